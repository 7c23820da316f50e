// Goes into the instrumented copy of the program (see trace.ts): adds up how long each phase took and writes
// it to stderr at the end. Time inside a phase within a phase counts for the inner one.
import { native } from "../src/sys/native.ts";

// linux/time.h
const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const STDERR = 2;

const spent = new Map<string, number>();
let firstLineUs = 0;
let current = "rest";
let since = 0;

/** The first line of the program. */
export function begin(): void {
  firstLineUs = wallClockUs();
  since = native.clock_gettime(CLOCK_MONOTONIC);
}

/** Ends the current phase and begins the next. Gives the one that ended. */
export function enter(phase: string): string {
  const now = native.clock_gettime(CLOCK_MONOTONIC);
  spent.set(current, (spent.get(current) ?? 0) + now - since);
  const ended = current;
  current = phase;
  since = now;
  return ended;
}

/** Does something as a phase of its own. */
export function timed<T>(phase: string, action: () => T): T {
  const outer = enter(phase);
  try {
    return action();
  } finally {
    enter(outer);
  }
}

/**
 * What was measured: moments on the wall clock in microseconds, phases in milliseconds. The writing itself is
 * in no phase.
 */
export interface Trace {
  firstLineUs: number;
  spent: Record<string, number>;
  lastLineUs: number;
}

/** Writes the trace: the last line of the program. */
export function finish(): void {
  enter("");
  const trace: Trace = { firstLineUs, spent: Object.fromEntries(spent), lastLineUs: wallClockUs() };
  native.write(STDERR, native.encode(JSON.stringify(trace)));
}

function wallClockUs(): number {
  return native.clock_gettime(CLOCK_REALTIME) * 1000;
}
