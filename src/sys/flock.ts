// Locks between processes. flock(2) belongs to an open file, so it goes when its holder dies, however it dies.
import { errnoOf, SystemError } from "./errno.ts";
import { type FileHandle, O_CREAT, O_RDWR, openFile } from "./file.ts";
import { monotonicMs } from "./clock.ts";
import { errno, libc, rareLibc } from "./libc.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

const FIRST_WAIT_US = 200;
const LONGEST_WAIT_US = 5_000;

/** Takes the exclusive lock of an open file if nobody holds it. Throws SystemError for any other failure. */
export function tryLock(file: FileHandle, what: string): boolean {
  if (libc.flock(file.fd, LOCK_EX | LOCK_NB) === 0) return true;
  const code = errno();
  if (code === errnoOf("EAGAIN") || code === errnoOf("EINTR")) return false;
  throw new SystemError(`lock ${what}`, code);
}

/**
 * Opens (and makes) the lock file at `path` and holds its exclusive lock until the handle is closed.
 * Waits at most `timeoutMs`, then throws SystemError ETIMEDOUT.
 */
export function openLock(path: string, timeoutMs: number, mode = 0o750): FileHandle {
  const file = openFile(path, O_RDWR | O_CREAT, mode);
  try {
    if (!tryLock(file, path) && !lockWithin(file, path, timeoutMs)) throw new SystemError(`lock ${path}`, errnoOf("ETIMEDOUT"));
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * Takes the exclusive lock of an open file as soon as it is free; false when it was not within `timeoutMs`. flock cannot be
 * interrupted by a timer of ours once it blocks, so the wait asks again, with growing pauses and some chance in them.
 * Throws SystemError.
 */
export function lockWithin(file: FileHandle, what: string, timeoutMs: number): boolean {
  const deadline = monotonicMs() + timeoutMs;
  for (let waitUs = FIRST_WAIT_US; !tryLock(file, what); waitUs = Math.min(waitUs * 1.5, LONGEST_WAIT_US)) {
    if (monotonicMs() > deadline) return false;
    rareLibc().usleep(Math.floor(waitUs * (0.5 + Math.random())));
  }
  return true;
}
