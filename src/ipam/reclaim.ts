// The removal of a dead attachment with all that it holds.
import type { Attachment } from "../attachment/attachment.ts";
import type { RecordStore } from "../record/store.ts";
import { removeRecorded } from "./release.ts";

/** Where a dead attachment has left things. */
export interface Clearing {
  records: RecordStore;
  /** Of its leases. */
  directory: string;
  /** Removes what else the attachment left (packet rules), before its addresses are free. */
  discard(record: Attachment): void;
}

/**
 * Removes rules, then leases, then the record: an address is free only when nothing points at it. Throws the
 * first error, of `discard` too.
 */
export function clearAttachment(record: Attachment, { records, directory, discard }: Clearing): void {
  discard(record);
  const [failure] = removeRecorded(directory, record);
  if (failure !== undefined) throw failure;
  records.removeRecord(record.key);
}
