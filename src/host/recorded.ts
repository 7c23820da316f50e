// Steps of other attachments, read from their records. A lost table is filled again with these.
import { hostInterfaceName, hostInterfaceOfDigest, keyOfAlias } from "../attachment/name.ts";
import { type AttachmentKey, sameKey } from "../cni/attachment-key.ts";
import { getLink } from "../net/link.ts";
import type { NodeAttachments, Owner } from "../nft/owned-table.ts";
import type { Step } from "../plan/step.ts";
import { stepOf } from "../plan/steps.ts";
import type { Node } from "./node.ts";

/** A step with the key of its attachment. */
type KeyedStep = Extract<Step, { key: AttachmentKey }>;

/** The steps of this kind of all other recorded attachments of this host. Throws SystemError. */
function otherSteps<Own extends KeyedStep>(own: Own, node: Node): Own[] {
  return node
    .recorded()
    .filter(({ key }) => !sameKey(key, own.key))
    .flatMap((attachment) => (stepOf(own.kind, attachment) as Own | undefined) ?? []);
}

/**
 * What a table that may be lost has to know of other attachments: which of them live, and their steps of the
 * kind of `own`, as the ruleset has them.
 */
export function otherAttachments<Own extends KeyedStep, Rules extends Owner>(
  own: Own,
  rulesOf: (step: Own) => Rules,
  node: Node,
): NodeAttachments<Rules> {
  return {
    isAlive: (owner) => node.hasInterface(hostInterfaceOfDigest(owner)),
    underNodeLock: (action) => node.underLock(action),
    others: () => otherSteps(own, node).map(rulesOf),
  };
}

/**
 * True when the host's end of an attachment is there and says that Pontoon made it, whatever became of the
 * record. Throws SystemError.
 */
export function isAttachedByPontoon(key: AttachmentKey, node: Node): boolean {
  const link = getLink(node.links, { name: hostInterfaceName(key) });
  return link !== undefined && keyOfAlias(link.alias) !== undefined;
}
