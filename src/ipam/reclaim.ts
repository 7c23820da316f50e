// Clearing what a dead attachment holds.
import type { Attachment } from "../attachment/attachment.ts";
import type { RecordStore } from "../record/store.ts";
import { removeRecorded } from "./release.ts";

/**
 * Rules first, then leases, then the record: an address is free only when nothing points at it. Throws what
 * fails.
 */
export function clearAttachment(
  records: RecordStore,
  directory: string,
  record: Attachment,
  discard: (record: Attachment) => void,
): void {
  discard(record);
  const [failure] = removeRecorded(directory, record);
  if (failure !== undefined) throw failure;
  records.removeRecord(record.key);
}
