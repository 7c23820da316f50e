// The trace of an internal error, in lines of the TypeScript.
import { withPlaces } from "./place.ts";

const MOST_CALLS = 6;

/** The innermost calls of an error's stack, as `function (file:line)`; empty when it has no stack. */
export function traceOf(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const calls = stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .slice(0, MOST_CALLS)
    .map((call) => call.trim().replace(/^at /, ""));
  try {
    return withPlaces(calls);
  } catch {
    // No memory or no stack is left, which is the error that is told here.
    return calls;
  }
}
