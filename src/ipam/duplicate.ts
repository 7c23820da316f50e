// One attachment holds one set of addresses. What a dead attachment of the same name left is taken over.
import type { AttachmentKey, AttachmentRecord, HostIdentity } from "../record/attachment.ts";
import type { RecordStore } from "../record/store.ts";
import { refuseExisting } from "./existing-attachment.ts";

export interface Attachment {
  records: RecordStore;
  key: AttachmentKey;
  host: HostIdentity;
  directory: string;
  /** True when nobody will miss the attachment. */
  isDead(record: AttachmentRecord): boolean;
  /** True when the host's end of its veth pair is there. */
  hasLink(record: AttachmentRecord): boolean;
  discard(record: AttachmentRecord): void;
}

/**
 * Refuses an attachment that exists already; clears one that is dead (another boot or host, a killed ADD, or
 * nothing of it is left) or that another program took down. The caller holds the lock, and knows that the pod
 * has no interface of that name. Throws CniError and SystemError.
 *
 * The record answers, so this costs the same beside a million leases. A lease that host-local made for the
 * same id and interface has no record and is not seen here; the scan of a DEL finds it.
 */
export function refuseDuplicate(attachment: Attachment): void {
  if (!attachment.records.hasRecord(attachment.key)) return;
  refuseExisting(attachment);
}
