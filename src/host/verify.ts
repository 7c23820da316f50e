// Comparing the steps of an attachment with what is there.
import type { Step } from "../plan/step.ts";
import type { Place } from "./kind.ts";
import { kindOf } from "./kinds.ts";

/** A sentence for each step that is not as the attachment describes it. Changes nothing. */
export function verifySteps(steps: readonly Step[], on: Place): string[] {
  return steps.flatMap((step) => kindOf(step).verify(step, on) ?? []);
}
