// Goes into the instrumented copy of the program in front of all else (see trace.ts): adds up how long each phase took
// and writes it to stderr at the end. Time inside a phase within a phase counts for the inner one.

const firstLine = Bun.nanoseconds();
const spent = new Map<string, number>();
let current = "load";
let since = firstLine;

/** Ends the current phase, begins the next, and gives the one that ended. */
export function enter(phase: string): string {
  const now = Bun.nanoseconds();
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

/** What was measured: moments on the wall clock in microseconds, phases in nanoseconds. The writing itself is in no phase. */
export interface Trace {
  firstLineUs: number;
  spent: Record<string, number>;
  lastLineUs: number;
}

/** Writes the trace and ends the program. */
export function finish(status: number): never {
  enter("");
  // Only now: it takes a millisecond to load, and the program itself does without it.
  const { writeSync } = require("node:fs") as typeof import("node:fs");
  const started = performance.timeOrigin * 1000;
  writeSync(2, `{"firstLineUs":${started + firstLine / 1000},"spent":${JSON.stringify(Object.fromEntries(spent))},`);
  writeSync(2, `"lastLineUs":${started + Bun.nanoseconds() / 1000}}`);
  process.exit(status);
}
