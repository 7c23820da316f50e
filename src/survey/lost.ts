// The packet rules that the attachments of a network share and have lost: looked at, and left as they are.
import type { Attachment } from "../attachment/attachment.ts";
import { kindOf, SHARING } from "../host/kinds.ts";
import type { Node } from "../host/node.ts";
import type { StepName } from "../plan/step.ts";
import { firstStepOf } from "../plan/steps.ts";

/**
 * The kinds of rules of which a network has lost the part that all its pods share, by the network's name. One
 * look for each kind and network, however many pods there are; a rule of one pod alone is not looked at.
 * Throws CniError and SystemError.
 */
export function findLost(living: readonly Attachment[], node: Node): Map<string, StepName[]> {
  const lost = new Map<string, StepName[]>();
  for (const [network, attachments] of byNetwork(living)) {
    const names = SHARING.filter((name) => {
      const step = firstStepOf(name, attachments);
      return step !== undefined && kindOf(step).restoration?.isSharedLost?.(step, node) === true;
    });
    if (names.length > 0) lost.set(network, names);
  }
  return lost;
}

function byNetwork(attachments: readonly Attachment[]): Map<string, Attachment[]> {
  const networks = new Map<string, Attachment[]>();
  for (const attachment of attachments) {
    const { network } = attachment.key;
    const known = networks.get(network);
    if (known === undefined) networks.set(network, [attachment]);
    else known.push(attachment);
  }
  return networks;
}
