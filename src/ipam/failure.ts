// The errors for the runtime when the system refuses files of leases and records.
import { CniError, type ErrorKind } from "../cni/error.ts";
import { isErrno, SystemError } from "../sys/errno.ts";

/**
 * Runs `action`; a SystemError that leaves it becomes a CniError of `kind`. All else passes unchanged. An ADD
 * gives the text as a function, since it rarely needs it.
 */
export function explained<T>(kind: ErrorKind, attempted: string | (() => string), action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw explainedError(kind, typeof attempted === "string" ? attempted : attempted(), error);
  }
}

/** A SystemError as a CniError of `kind`: the operation, its cause, and what to do. */
export function explainedError(kind: ErrorKind, attempted: string, error: SystemError): CniError {
  return new CniError(
    kind,
    { about: error.operation, attempted, cause: error.message, hint: hintFor(error) },
    { cause: error },
  );
}

/**
 * Runs `action` for every item, although the system refuses some; gives these refusals. Throws any other
 * error.
 */
export function collectFailures<T>(items: readonly T[], action: (item: T) => unknown): SystemError[] {
  const failures: SystemError[] = [];
  for (const item of items) {
    try {
      action(item);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      failures.push(error);
    }
  }
  return failures;
}

function hintFor(error: SystemError): string {
  if (isErrno(error, "ENOSPC", "EDQUOT")) return "Free space or inodes on this file system";
  if (isErrno(error, "EROFS")) return "Mount this file system for writing, or choose another dataDir";
  if (isErrno(error, "EACCES", "EPERM"))
    return "Run as root, and look for a security module that forbids this path";
  if (isErrno(error, "ENOTDIR", "EISDIR", "EEXIST"))
    return "Move away what stands in the place of this file or folder";
  return "Look at this path and at the kernel log of the node";
}
