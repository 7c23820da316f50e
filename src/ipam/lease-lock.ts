// The lock of a network's leases: flock on the file `lock`, which host-local locks too.
import { CniError } from "../cni/error.ts";
import { isErrno } from "../sys/errno.ts";
import { ensureDirectory, type FileHandle } from "../sys/file.ts";
import { openLock, waitedText } from "../sys/flock.ts";

export const LOCK_NAME = "lock";

/**
 * Holds the lock of `directory`, which is made if needed, until the handle is closed. Throws SystemError, and
 * CniError 11 when the wait gets too long.
 */
export function openLeaseLock(directory: string, timeoutMs?: number): FileHandle {
  const lock = openExistingLeaseLock(directory, timeoutMs);
  if (lock !== undefined) return lock;
  ensureDirectory(directory);
  return openPatiently(directory, timeoutMs);
}

/**
 * Holds the lock of `directory` until the handle is closed; undefined when there is no such directory, and so
 * no lease. Throws SystemError, and CniError 11 when the wait gets too long.
 */
export function openExistingLeaseLock(directory: string, timeoutMs?: number): FileHandle | undefined {
  try {
    return openPatiently(directory, timeoutMs);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

function openPatiently(directory: string, timeoutMs: number | undefined): FileHandle {
  try {
    return openLock(`${directory}/${LOCK_NAME}`, timeoutMs);
  } catch (error) {
    if (!isErrno(error, "ETIMEDOUT")) throw error;
    throw new CniError(
      "tryAgainLater",
      {
        about: `the leases in ${directory} are locked`,
        attempted: `waited ${waitedText()} for locks and other calls`,
        cause: (error as Error).message,
        hint: `Look for the process that holds it: fuser -v ${directory}/${LOCK_NAME}`,
      },
      { cause: error },
    );
  }
}
