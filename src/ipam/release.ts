// Giving addresses back. Nothing here reads ranges: a pool that was changed or broken since never keeps an
// address.

import type { Attachment } from "../attachment/attachment.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import type { SystemError } from "../sys/errno.ts";
import { removeFile } from "../sys/file.ts";
import { collectFailures, explained } from "./failure.ts";
import { listOwnFiles } from "./lease-directory.ts";
import { removeLease, UNFINISHED } from "./lease-file.ts";
import { openExistingLeaseLock } from "./lease-lock.ts";

export interface Release {
  /**
   * `<dataDir>/<network>` of the configuration. A record that names another directory is believed instead.
   */
  directory: string;
  key: AttachmentKey;
  /** Without it the directory is searched for the owner: host-local may have made the lease. */
  record?: Attachment | undefined;
  lockTimeoutMs?: number | undefined;
}

/**
 * Gives back what an attachment holds; succeeds when it holds nothing or the directory is gone. Looks into a
 * file before it removes it, so an address that has gone to somebody else stays theirs. One file that fails
 * does not stop the others. Throws CniError.
 */
export function release({ directory, key, record, lockTimeoutMs }: Release): void {
  const where = record?.leaseDirectory ?? directory;
  const attempted = `give back the addresses of container ${key.containerId}, interface ${key.interfaceName}`;
  explained("leaseStore", attempted, () => {
    using lock = openExistingLeaseLock(where, lockTimeoutMs);
    if (lock === undefined) return;
    // What a killed ADD was about to make a lease of; we hold the lock, so nobody else is.
    removeFile(`${where}/${UNFINISHED}`);
    // A record without a directory is of another IPAM plugin: perhaps of the Go host-local, whose leases are
    // in this one.
    const failures =
      record?.leaseDirectory === undefined ? removeFound(where, key) : removeRecorded(where, record);
    if (failures.length > 0) throw failedRelease(where, attempted, failures);
  });
}

/**
 * Removes the leases that a record names from `directory`, whose lock the caller holds. One that names no
 * directory has no leases of ours: a foreign IPAM plugin gave its addresses, and only that one can take them
 * back. Gives what the system refused.
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
