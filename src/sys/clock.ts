// Time.
import { native } from "./native.ts";

// linux/time.h
const CLOCK_MONOTONIC = 1;

/** Milliseconds of a clock that is never set; only differences mean something. */
export function monotonicMs(): number {
  return native.clock_gettime(CLOCK_MONOTONIC);
}

// linux/time.h
const CLOCK_REALTIME = 0;

/** Milliseconds since 1970, in UTC. */
export function epochMs(): number {
  return native.clock_gettime(CLOCK_REALTIME);
}

/** Waits for `milliseconds`. A signal may end the wait early. */
export function pause(milliseconds: number): void {
  native.usleep(Math.floor(milliseconds * 1000));
}
