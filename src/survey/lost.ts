// The packet rules that the attachments of a network share and have lost: looked at, and left as they are.
import type { Attachment } from "../attachment/attachment.ts";
import { kindOf, RESTORABLE } from "../host/kinds.ts";
import type { Node } from "../host/node.ts";
import type { StepName } from "../plan/step.ts";
import { stepOf } from "../plan/steps.ts";

/**
 * The kinds of rules of which a network has lost the part that all its pods share, by the network's name. One
 * look for each kind and network, however many pods there are; a rule of one pod alone is not looked at.
 * Throws CniError and SystemError.
 */
export function findLost(living: readonly Attachment[], node: Node): Map<string, StepName[]> {
  const lost = new Map<string, StepName[]>();
  for (const name of RESTORABLE) {
    const looked = new Set<string>();
    for (const attachment of living) {
      const { network } = attachment.key;
      const step = looked.has(network) ? undefined : stepOf(name, attachment);
      if (step === undefined) continue;
      looked.add(network);
      if (kindOf(step).restoration?.isSharedLost?.(step, node) === true)
        lost.set(network, [...(lost.get(network) ?? []), name]);
    }
  }
  return lost;
}
