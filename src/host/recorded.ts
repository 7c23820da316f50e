// What the records of other attachments tell: what a lost table has to get back.
import { hostInterfaceOfDigest } from "../attachment/name.ts";
import { type AttachmentKey, sameKey } from "../cni/attachment-key.ts";
import type { NodeAttachments, Owner } from "../nft/owned-table.ts";
import type { StepName, StepOf } from "../plan/step.ts";
import { stepOf } from "../plan/steps.ts";
import type { Node } from "./node.ts";

/** The steps of one kind of all recorded attachments of this host but `except`. Throws SystemError. */
function recordedSteps<Name extends StepName>(name: Name, except: AttachmentKey, node: Node): StepOf<Name>[] {
  return node
    .recorded()
    .filter(({ key }) => !sameKey(key, except))
    .flatMap((attachment) => stepOf(name, attachment) ?? []);
}

/**
 * What a table that may be lost has to know of other attachments: which of them live, and the steps of one
 * kind of all but `key`, as the ruleset has them.
 */
export function otherAttachments<Name extends StepName, Rules extends Owner>(
  name: Name,
  key: AttachmentKey,
  rulesOf: (step: StepOf<Name>) => Rules,
  node: Node,
): NodeAttachments<Rules> {
  return {
    isAlive: (owner) => node.hasInterface(hostInterfaceOfDigest(owner)),
    underNodeLock: (action) => node.underLock(action),
    others: () => recordedSteps(name, key, node).map(rulesOf),
  };
}
