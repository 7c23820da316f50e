// The signals by which a person or a supervisor asks a program to end, held back so that it can clear up.
import { check } from "./errno.ts";
import { native } from "./native.ts";
import { POLLIN, waitForAny } from "./stream.ts";

/** SIGHUP, SIGINT (Ctrl-C) and SIGTERM (asm-generic/signal.h). */
const ENDING = [1, 2, 15];

/** The descriptors that can be read when one has come; none while they are not held. */
const held: number[] = [];

/**
 * Holds these signals until the process ends, in the programs that it runs too. SIGQUIT and SIGKILL still end
 * it at once. Throws SystemError.
 */
export function holdInterrupts(): void {
  if (held.length > 0) return;
  held.push(...ENDING.map((signal) => check(native.signalfd(signal), "hold back signals")));
}

/** True from {@link holdInterrupts} on. */
export function holdsInterrupts(): boolean {
  return held.length > 0;
}

/** True when a held signal has come. */
export function isInterrupted(): boolean {
  return holdsInterrupts() && waitForAny(waitedOf(held), 0).some((events) => events !== 0);
}

/** Waits until `fd` can be read, or a held signal has come. True for the former. */
export function waitUnlessInterrupted(fd: number): boolean {
  for (;;) {
    const [isReadable = 0, ...interrupts] = waitForAny(waitedOf([fd, ...held]));
    if (isReadable !== 0) return true;
    if (interrupts.some((events) => events !== 0)) return false;
  }
}

function waitedOf(fds: readonly number[]) {
  return fds.map((fd) => ({ fd, event: POLLIN }));
}
