// The attachment that an ADD is about to make, with the facts about other attachments that IPAM needs.
import type { Attachment, HostIdentity } from "../attachment/attachment.ts";
import { attachmentTitle, type Named } from "../attachment/name.ts";
import type { RecordStore } from "../record/store.ts";

/**
 * An attachment that claims its place. The node answers for other attachments; IPAM itself knows no kernel
 * objects.
 */
export interface Claimant extends Named {
  host: HostIdentity;
  records: RecordStore;
  /** `<dataDir>/<network>`; empty without built-in IPAM. */
  directory: string;
  /** True when the attachment's namespace and its veth are gone. */
  isDead(attachment: Attachment): boolean;
  /** True when the host's end of the attachment's veth is there. */
  hasLink(attachment: Attachment): boolean;
  /** Removes the kernel objects of a dead attachment, before its addresses are free. */
  discard(attachment: Attachment): void;
}

/** The work of IPAM for an attachment in words, for errors. */
export function reservationOf(attachment: Named): string {
  return `reserve addresses for ${attachmentTitle(attachment)}`;
}
