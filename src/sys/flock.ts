// Locks between processes. flock(2) belongs to an open file, so it goes when its holder dies, in whatever
// way.

import { monotonicMs, pause } from "./clock.ts";
import { check, errnoOf, SystemError } from "./errno.ts";
import { type FileHandle, O_CREAT, O_NOFOLLOW, O_RDWR, openFile } from "./file.ts";
import { native } from "./native.ts";
import { randomBytes } from "./random.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

const FIRST_WAIT_MS = 0.2;
const LONGEST_WAIT_MS = 5;

/**
 * Takes the exclusive lock of an open file. False when another process holds it; throws SystemError for any
 * other failure.
 */
export function tryLock(file: FileHandle, what: string): boolean {
  const result = native.flock(file.fd, LOCK_EX | LOCK_NB);
  if (result === -errnoOf("EAGAIN") || result === -errnoOf("EINTR")) return false;
  check(result, `lock ${what}`);
  return true;
}

/** The time that a call waits for locks and for other calls to end, in all its waits together. */
export const PATIENCE_MS = 10_000;
let patience = PATIENCE_MS;
/** The time that the call has waited so far, in milliseconds. */
let waited = 0;

/**
 * Gives the call that much time to wait, where it has less left: a rollback has to come to its locks although
 * the call failed because a lock was not free.
 */
export function renewPatience(milliseconds: number): void {
  patience = Math.max(patience, milliseconds);
}

/**
 * Takes the exclusive lock of an open file as {@link lockWithin} does. `timeoutMs` is cut to what the call
 * has left of {@link PATIENCE_MS}. Throws SystemError.
 */
export function lockInPatience(file: FileHandle, what: string, timeoutMs: number): boolean {
  if (tryLock(file, what)) return true;
  const start = monotonicMs();
  const isLocked = lockWithin(file, what, Math.min(timeoutMs, patience));
  const time = monotonicMs() - start;
  patience = Math.max(0, patience - time);
  waited += time;
  return isLocked;
}

/** The time that the call has waited for locks and for other calls, in milliseconds. */
export function waitedMs(): number {
  return Math.round(waited);
}

/** The time that the call has waited for locks and for other calls, in words: `10 s`. */
export function waitedText(): string {
  return `${Math.round(waited / 100) / 10} s`;
}

/**
 * Opens (and makes) the lock file at `path` and holds its exclusive lock until the handle is closed.
 * Waits at most `timeoutMs`, and no longer than the call still may, then throws SystemError ETIMEDOUT. A link
 * in the place of the file is ELOOP.
 */
export function openLock(path: string, timeoutMs = PATIENCE_MS): FileHandle {
  const file = openFile(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o750);
  try {
    if (!lockInPatience(file, path, timeoutMs)) throw new SystemError(`lock ${path}`, errnoOf("ETIMEDOUT"));
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * Takes the exclusive lock of an open file as soon as it is free; false when it was not within `timeoutMs`.
 * The wait asks again and again, with growing pauses and some chance in them: a blocking flock cannot be
 * given a time limit. Throws SystemError.
 */
export function lockWithin(file: FileHandle, what: string, timeoutMs: number): boolean {
  const deadline = monotonicMs() + timeoutMs;
  for (let wait = FIRST_WAIT_MS; !tryLock(file, what); wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
    if (monotonicMs() > deadline) return false;
    pause(wait * (0.5 + (randomBytes(1)[0] ?? 0) / 256));
  }
  return true;
}
