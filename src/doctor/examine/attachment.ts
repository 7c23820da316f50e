// Each attachment as its ADD made it: CHECK's own comparison, step by step.
import { CniError } from "../../cni/error.ts";
import { traitsOf } from "../../plan/order.ts";
import type { StepName } from "../../plan/step.ts";
import type { Context } from "../context.ts";
import { type Finding, nameOf } from "../finding.ts";
import type { PodFacts, StepDifference } from "../pod-facts.ts";

/** The differences of living attachments from their descriptions. */
export function examineAttachments({ pods }: Context): Finding[] {
  return pods.flatMap((facts) =>
    facts.differences.filter((one) => !follows(one, facts)).map((one) => findingOf(one, facts)),
  );
}

/** The steps whose differences explain that a port does not forward. */
const BEFORE_FORWARDING: readonly StepName[] = ["bridge", "veth", "wire", "device"];

/** The reason why pods could not be looked into, that of the first; undefined where all could. */
export function blindToPods({ pods }: Context): CniError | undefined {
  const refusals = pods.flatMap(({ refusal }) => refusal ?? []);
  const [first] = refusals;
  if (first === undefined) return undefined;
  const message = `${refusals.length} of ${pods.length} pods cannot be looked into`;
  return new CniError(first.kind, { ...first.parts, message });
}

/** True for a difference that follows from another one, or that another step says with a longer command. */
function follows({ step, difference }: StepDifference, { differences }: PodFacts): boolean {
  const isSaid = ({ step: other, difference: { sentence } }: StepDifference): boolean =>
    other === "pod" && sentence === difference.sentence;
  if (step !== "pod" && differences.some(isSaid)) return true;
  return step === "announce" && differences.some((other) => BEFORE_FORWARDING.includes(other.step));
}

/** A difference of a pod as a finding. */
export function findingOf({ step, difference, advice }: StepDifference, { surveyed }: PodFacts): Finding {
  const { sentence, cure, isRestorable, isHarmless } = difference;
  const { network } = surveyed.attachment.key;
  return {
    code: `${step}Differs`,
    subject: traitsOf(step).stays === true ? `network ${network}` : nameOf(surveyed),
    severity: isHarmless === true ? "note" : "error",
    sentence,
    cure,
    advice:
      cure === undefined
        ? (advice ?? "Undo the change by hand, or delete the pod so that it is made anew")
        : undefined,
    isRepairable: isRestorable,
    attachments: [surveyed],
  };
}
