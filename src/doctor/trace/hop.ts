// A hop of a way through the node, and what a hop is made of: the steps of an attachment, and findings.
import type { Family } from "../../ip/address.ts";
import type { StepName } from "../../plan/step.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
import type { Context } from "../context.ts";
import { findingOf } from "../examine/attachment.ts";
import type { Finding } from "../finding.ts";
import type { Endpoint } from "./endpoint.ts";

/** A hop: what holds there, or the fault that ends the way. */
export interface Hop {
  sentence: string;
  fault?: Finding | undefined;
  /** Another program decides there about the packet. */
  isUndecided?: boolean;
}

/** A way through the node. */
export interface Way {
  from: Endpoint;
  to: Endpoint;
  family: Family;
}

/**
 * A hop that holds when no step of these kinds differs from the attachment's description. Throws CniError
 * where that could not be looked at.
 */
export function stepHop(
  one: SurveyedAttachment,
  { steps, sentence }: { steps: readonly StepName[]; sentence: string },
  context: Context,
): Hop {
  const facts = context.pods.find(({ surveyed }) => surveyed === one);
  const difference = facts?.differences.find(
    ({ step, difference: { isHarmless } }) => steps.includes(step) && isHarmless !== true,
  );
  if (difference === undefined && facts?.refusal !== undefined) throw facts.refusal;
  return { sentence, fault: difference && facts && findingOf(difference, facts) };
}

/** The first fault of an examination from which the pod suffers. */
export function faultFrom(findings: readonly Finding[], one: SurveyedAttachment): Finding | undefined {
  return findings.find(
    ({ severity, attachments, networks }) =>
      severity !== "note" &&
      (attachments?.includes(one) ?? networks?.includes(one.attachment.key.network) ?? true),
  );
}
