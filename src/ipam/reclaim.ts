// A full pool: attachments that nobody took down are looked for before an ADD is refused.
import type { AttachmentRecord } from "../record/attachment.ts";
import type { RecordStore } from "../record/store.ts";
import { removeFile } from "../sys/file.ts";
import { listLeases } from "./lease-directory.ts";
import { leasePath } from "./lease-file.ts";
import { removeRecorded } from "./release.ts";

export interface Reclaim {
  records: RecordStore;
  network: string;
  directory: string;
  /** True when the attachment's namespace is gone and its host veth is absent. */
  isDead(record: AttachmentRecord): boolean;
  /** Removes what else the attachment left (packet rules), before its addresses are free. */
  discard(record: AttachmentRecord): void;
}

export interface Reclaimed {
  attachments: number;
  /** Why dead attachments could not be cleared. */
  failures: string[];
}

/** Clears dead attachments whose ADD is not running. The caller holds the lock of the directory. One that fails does not stop the others. */
export function reclaimDead({ records, network, directory, isDead, discard }: Reclaim): Reclaimed {
  const reclaimed: Reclaimed = { attachments: 0, failures: [] };
  for (const record of records.listRecords(network).records) {
    if (record.leaseDirectory !== directory) continue;
    try {
      if (records.isAddRunning(record.key) || !isDead(record)) continue;
      clearAttachment(records, directory, record, discard);
      reclaimed.attachments++;
    } catch (error) {
      reclaimed.failures.push(`${record.key.containerId}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return reclaimed;
}

/** Rules first, then leases, then the record: an address is free only when nothing points at it. Throws what fails. */
export function clearAttachment(records: RecordStore, directory: string, record: AttachmentRecord, discard: (record: AttachmentRecord) => void): void {
  discard(record);
  const [failure] = removeRecorded(directory, record);
  if (failure !== undefined) throw failure;
  records.removeRecord(record.key);
}

/** Removes lease files that cannot be a lease. The caller holds the lock. Gives how many. Throws SystemError. */
export function removeGarbage(directory: string): number {
  const { garbage } = listLeases(directory);
  for (const address of garbage) removeFile(leasePath(directory, address));
  return garbage.length;
}
