// The release of addresses. No function here reads ranges, so a pool that was changed or broken since keeps
// no address.

import type { Attachment } from "../attachment/attachment.ts";
import { attachmentTitle } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import type { SystemError } from "../sys/errno.ts";
import { removeFile } from "../sys/file.ts";
import { collectFailures, explained } from "./failure.ts";
import { listOwnFiles } from "./lease-directory.ts";
import { removeLease, UNFINISHED } from "./lease-file.ts";
import { openExistingLeaseLock } from "./lease-lock.ts";

export interface Release {
  /** `<dataDir>/<network>` of the configuration. A directory that the record names counts instead. */
  directory: string;
  key: AttachmentKey;
  /**
   * The record; without it the directory is searched for the owner, since host-local may have made the lease.
   */
  record?: Attachment | undefined;
  lockTimeoutMs?: number | undefined;
}

/**
 * Gives back the addresses of an attachment; succeeds when it holds none or the directory is gone. Each file
 * is read before it is removed, so a lease that has another owner by now stays. A file that fails does not
 * stop the others. Throws CniError.
 */
export function release({ directory, key, record, lockTimeoutMs }: Release): void {
  const where = record?.leaseDirectory ?? directory;
  const attempted = `give back the addresses of ${attachmentTitle({ key, pod: record?.pod })}`;
  explained("leaseStore", attempted, () => {
    using lock = openExistingLeaseLock(where, lockTimeoutMs);
    if (lock === undefined) return;
    // The temporary file of a killed ADD. No other process is writing it, since this call holds the lock.
    removeFile(`${where}/${UNFINISHED}`);
    // A record without a directory is of a foreign IPAM plugin, perhaps of the Go host-local, which keeps its
    // leases in this directory.
    const failures =
      record?.leaseDirectory === undefined ? removeFound(where, key) : removeRecorded(where, record);
    if (failures.length > 0) throw failedRelease(where, attempted, failures);
  });
}

/**
 * Removes the leases that a record names from `directory`; the caller holds its lock. A record that names no
 * directory has no leases of Pontoon: a foreign IPAM plugin gave its addresses, and only that plugin can take
 * them back. Gives the refusals of the system.
 */
export function removeRecorded(directory: string, record: Attachment): SystemError[] {
  if (record.leaseDirectory === undefined) return [];
  return collectFailures(record.addresses, ({ address }) =>
    removeLease(directory, address.address, record.key),
  );
}

function removeFound(directory: string, key: AttachmentKey): SystemError[] {
  return collectFailures(listOwnFiles(directory, key), removeFile);
}

function failedRelease(directory: string, attempted: string, failures: SystemError[]): CniError {
  return new CniError(
    "leaseStore",
    {
      about: `${failures.length === 1 ? "a lease" : `${failures.length} leases`} in ${directory} could not be removed`,
      attempted,
      cause: failures.map((failure) => failure.message).join("; "),
      hint: "Make these files removable; the next DEL or GC removes them",
    },
    { cause: failures[0] },
  );
}
