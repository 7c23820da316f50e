// GC: leases of attachments that are not on the runtime's list any more.
import { CniError } from "../cni/error.ts";
import type { SystemError } from "../sys/errno.ts";
import { type FileHandle, removeFile } from "../sys/file.ts";
import { collectFailures, explained } from "./failure.ts";
import type { LeaseOwner } from "./lease.ts";
import { type HeldLease, listLeases } from "./lease-directory.ts";
import { leasePath, UNFINISHED } from "./lease-file.ts";
import { openExistingLeaseLock, openLeaseLock } from "./lease-lock.ts";

export interface Collection {
  directory: string;
  /** The attachments that live (`cni.dev/valid-attachments`). */
  valid: readonly LeaseOwner[];
  /** True for an owner whose leases stay although it is not on the list: its ADD is running. */
  keep?(owner: LeaseOwner): boolean;
  /** Gives living attachments their lost leases back. */
  restore?(): void;
  /** True when a living attachment has leases here. Asked where the folder is gone; it is then made again. */
  hasTenants?(): boolean;
  lockTimeoutMs?: number | undefined;
}

/**
 * Removes every lease that no valid attachment holds, and files that cannot be a lease; gives the removed
 * leases. A lease with the container id alone (old host-local) stays while any valid attachment has that id.
 * The lock is held throughout. A file that fails does not stop the others. Throws CniError.
 */
export function collectLeases(collection: Collection): HeldLease[] {
  const { directory, valid, keep, restore } = collection;
  const attempted = "remove leases without an attachment";
  return explained("leaseStore", attempted, () => {
    using lock = lockOf(collection);
    if (lock === undefined) return [];
    const { leases, garbage } = listLeases(directory);
    const isValid = validity(valid);
    const stale = leases.filter(({ owner }) => !isValid(owner) && keep?.(owner) !== true);
    const paths = [...stale.map(({ address }) => address), ...garbage].map((address) =>
      leasePath(directory, address),
    );
    const failures = collectFailures([...paths, `${directory}/${UNFINISHED}`], removeFile);
    restore?.();
    if (failures.length > 0) throw incomplete(directory, attempted, failures);
    return stale;
  });
}

/** The lock of the leases; undefined where there is no folder, and nobody who should have leases in it. */
function lockOf({ directory, hasTenants, lockTimeoutMs }: Collection): FileHandle | undefined {
  const lock = openExistingLeaseLock(directory, lockTimeoutMs);
  return lock === undefined && hasTenants?.() === true ? openLeaseLock(directory, lockTimeoutMs) : lock;
}

function validity(valid: readonly LeaseOwner[]): (owner: LeaseOwner) => boolean {
  const keyOf = (owner: LeaseOwner): string => `${owner.containerId}\0${owner.interfaceName}`;
  const keys = new Set(valid.map(keyOf));
  const containers = new Set(valid.map(({ containerId }) => containerId));
  return (owner) =>
    owner.interfaceName === undefined ? containers.has(owner.containerId) : keys.has(keyOf(owner));
}

function incomplete(directory: string, attempted: string, failures: SystemError[]): CniError {
  return new CniError(
    "cleanup",
    {
      about: `${failures.length} files in ${directory} could not be removed`,
      attempted,
      cause: failures.map(({ message }) => message).join("; "),
      hint: "Make these files removable and send GC again",
    },
    { cause: failures[0] },
  );
}
