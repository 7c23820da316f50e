// Comparing the steps of an attachment with what is there.
import type { Step } from "../plan/step.ts";
import { type Difference, incurable, restorable } from "./difference.ts";
import type { Place } from "./kind.ts";
import { kindOf } from "./kinds.ts";

/** A difference for each step that is not as the attachment describes it. Changes nothing. */
export function verifySteps(steps: readonly Step[], on: Place): Difference[] {
  return steps.flatMap((step) => verifyStep(step, on) ?? []);
}

/**
 * The difference of one step; undefined when there is none. A kind that gives a bare sentence and has a
 * restoration is mended by that. Throws CniError and SystemError.
 */
export function verifyStep(step: Step, on: Place): Difference | undefined {
  const kind = kindOf(step);
  const found = kind.verify(step, on);
  if (typeof found !== "string") return found;
  return kind.restoration === undefined ? incurable(found) : restorable(found);
}
