// Ends of a hurt call that look like faults and are meant.
import type { Outcome } from "../support/process.ts";

interface Deliberate {
  /** Why the call ends like this, in one sentence. */
  why: string;
  /** The trace has the calls of the kind that was hurt, in their order. */
  isIt: (outcome: Outcome, trace: string) => boolean;
  /** True for an end in the middle, as by a kill: nothing is taken back, and the next DEL makes all good. */
  isDeath: boolean;
}

const DELIBERATE: readonly Deliberate[] = [
  {
    why: "the thread stands in the pod's namespace and cannot leave it, so all that it did from here on would hit the pod",
    isIt: ({ status, stderr }, trace) =>
      status === undefined &&
      stderr.startsWith("pontoon: ended itself in the pod's namespace") &&
      endsOnWayBack(trace),
    isDeath: true,
  },
  {
    why: "without memory there is one error that was ready before",
    isIt: ({ status, stdout }) => status === 1 && stdout.includes("Give the plugin more memory"),
    isDeath: false,
  },
];

/** The row for this end of a call; undefined for one that is not meant. */
export function deliberateEnd(outcome: Outcome, trace = ""): Deliberate | undefined {
  return DELIBERATE.find((row) => row.isIt(outcome, trace));
}

/**
 * True when the thread's last step was refused, and was one out of a namespace: it enters and leaves by
 * turns.
 */
function endsOnWayBack(trace: string): boolean {
  const steps = trace.match(/^setns\(.*$/gm) ?? [];
  const inside = steps.filter((step) => step.endsWith(" = 0")).length % 2 === 1;
  return inside && steps.at(-1)!.endsWith("(INJECTED)");
}
