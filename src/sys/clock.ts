/** Milliseconds since the process started, by a clock that nobody sets. Cheaper at first use than performance.now. */
export function monotonicMs(): number {
  return Bun.nanoseconds() / 1e6;
}
