// Descriptors read to their end and written whole: files, pipes, the streams of the process.
import { textBytes } from "./bytes.ts";
import { check, errnoTable, SystemError } from "./errno.ts";
import { native } from "./native.ts";

// asm-generic/poll.h
export const POLLIN = 1;
export const POLLOUT = 4;

const { EAGAIN, EFBIG, EINTR } = errnoTable;

/** How a descriptor is read. */
export interface Reading {
  /** Bytes; more are EFBIG. */
  limit?: number | undefined;
  /** Bytes that are likely there. So many take no more memory than they are. */
  expected?: number;
  /**
   * A read of less than was asked for is the last one, as with files on a disk and settings below /proc/sys.
   */
  shortIsLast?: boolean;
  /**
   * A descriptor with O_NONBLOCK is waited for; otherwise the read fails with EAGAIN while nothing is there.
   */
  waits?: boolean;
}

const TO_THE_END: Reading = {};

/** Reads a descriptor to its end. `what` names it in errors. Throws SystemError. */
export function readAll(fd: number, what: string, reading = TO_THE_END): Uint8Array {
  const { limit = 16 * 1024 * 1024, expected = 4095, shortIsLast = false, waits = false } = reading;
  // One byte more: a read that gives nothing says that all is there.
  let buffer = new Uint8Array(expected + 1);
  let length = 0;
  for (;;) {
    if (length === buffer.length) {
      if (length >= limit) throw new SystemError(`read ${what}`, EFBIG);
      const larger = new Uint8Array(buffer.length * 4);
      larger.set(buffer);
      buffer = larger;
    }
    const space = buffer.subarray(length);
    const count = native.read(fd, space);
    if (count === -EINTR) continue;
    if (count === -EAGAIN && waits) {
      waitFor(fd, POLLIN);
      continue;
    }
    length += check(count, `read ${what}`);
    if (count === 0 || (shortIsLast && count < space.length)) return buffer.subarray(0, length);
  }
}

/**
 * Writes all of `text` to a descriptor. `what` names it in errors. Throws SystemError, EAGAIN when the
 * descriptor has O_NONBLOCK and is full.
 */
export function writeAll(fd: number, text: string, what: string): void {
  writeBytes(fd, textBytes(text), what);
}

/** Writes all of `text` as {@link writeAll} does, and waits without limit for a full descriptor. */
export function writeAllWaiting(fd: number, text: string, what: string): void {
  const bytes = textBytes(text);
  for (let done = 0; done < bytes.length; ) {
    const count = writeSome(fd, bytes.subarray(done), what);
    if (count === 0) waitFor(fd, POLLOUT);
    done += count;
  }
}

/** Writes all of `bytes` to a descriptor, as {@link writeAll} does. */
export function writeBytes(fd: number, bytes: Uint8Array, what: string): void {
  for (let done = 0; done < bytes.length; ) {
    const count = writeSome(fd, bytes.subarray(done), what);
    if (count === 0) throw new SystemError(`write ${what}`, EAGAIN);
    done += count;
  }
}

/**
 * Writes as many of the bytes as the descriptor takes, at least one. Gives their number, 0 where the
 * descriptor has O_NONBLOCK and is full.
 */
function writeSome(fd: number, bytes: Uint8Array, what: string): number {
  for (;;) {
    const count = native.write(fd, bytes);
    if (count === -EAGAIN) return 0;
    if (count !== -EINTR) return check(count, `write ${what}`);
  }
}

/**
 * Waits for an event on a descriptor, `timeoutMs` at most, or without limit (-1), by poll(2). True when it
 * came.
 */
export function waitFor(fd: number, event: number, timeoutMs = -1): boolean {
  return waitForAny([{ fd, event }], timeoutMs)[0] !== 0;
}

/** A descriptor, and the event that is waited for; 0: its end alone. */
export interface Waited {
  fd: number;
  event: number;
}

/**
 * Waits for an event on any of the descriptors, as {@link waitFor} does. Gives the events of each, in order:
 * 0 where none came. Its end (POLLERR, POLLHUP) comes unasked.
 */
export function waitForAny(waited: readonly Waited[], timeoutMs = -1): number[] {
  // struct pollfd: fd, events, revents
  const list = Uint8Array.from(
    waited.flatMap(({ fd, event }) => [fd, fd >>> 8, fd >>> 16, 0, event, 0, 0, 0]),
  );
  const count = native.poll(list, timeoutMs);
  return waited.map((_, at) => (count > 0 ? (list[8 * at + 6] ?? 0) : 0));
}
