// The caller of this process, as long as there is one: whoever holds the other ends of its streams.
import { check } from "./errno.ts";
import { native } from "./native.ts";
import { POLLIN, POLLOUT, type Waited, waitFor, waitForAny } from "./stream.ts";

const STDIN = 0;
const OUTPUT = 1;
// asm-generic/signal.h
const SIGTERM = 15;

/** The caller of a process that runs until it is not wanted any more. */
export class Caller {
  private readonly stopped = check(native.signalfd(SIGTERM), "wait for SIGTERM");
  private readonly rest = new Uint8Array(4096);

  /**
   * Waits until one of the descriptors can be read, `timeoutMs` at most, or without limit (-1). False when
   * the caller has gone: stdin has ended, nobody reads stdout, or SIGTERM has come.
   */
  waits(descriptors: readonly number[], timeoutMs: number): boolean {
    return this.isThere(
      [...descriptors.map((fd) => ({ fd, event: POLLIN })), { fd: OUTPUT, event: 0 }],
      timeoutMs,
    );
  }

  /** Waits until stdout takes more. False when the caller has gone. */
  takes(): boolean {
    // What comes by stdin ends the wait, too.
    while (this.isThere([{ fd: OUTPUT, event: POLLOUT }], -1)) if (waitFor(OUTPUT, POLLOUT, 0)) return true;
    return false;
  }

  /** Waits for an event; the last one is of stdout. */
  private isThere(waited: readonly Waited[], timeoutMs: number): boolean {
    const own = [
      { fd: this.stopped, event: POLLIN },
      { fd: STDIN, event: POLLIN },
    ];
    const events = waitForAny([...waited, ...own], timeoutMs);
    const [output = 0, stopped = 0, input = 0] = events.slice(-3);
    if (stopped !== 0 || (output & ~POLLOUT) !== 0) return false;
    // What is read is of no interest, its end is.
    return input === 0 || native.read(STDIN, this.rest) > 0;
  }
}
