// Steps of other attachments, read from their records. A lost table is filled again with these.
import {
  attachmentDigest,
  hostInterfaceName,
  hostInterfaceOfDigest,
  keyOfAlias,
  keyOfLabel,
} from "../attachment/name.ts";
import { type AttachmentKey, sameKey } from "../cni/attachment-key.ts";
import { getLink } from "../net/link.ts";
import { type Commented, holderOf, ownerOf } from "../nft/comment.ts";
import type { NodeAttachments, Owner } from "../nft/owned-table.ts";
import type { Step } from "../plan/step.ts";
import { stepOf } from "../plan/steps.ts";
import type { Node } from "./node.ts";

/** A step with the key of its attachment. */
type KeyedStep = Extract<Step, { key: AttachmentKey }>;

/**
 * The steps of this kind of all other recorded attachments of this host. Those whose ADD has ended come
 * first: what they have is theirs, and an ADD that still runs may fail over it. Throws SystemError.
 */
function otherSteps<Own extends KeyedStep>(own: Own, node: Node): Own[] {
  const steps = { ended: [] as Own[], running: [] as Own[] };
  for (const attachment of node.recorded()) {
    if (sameKey(attachment.key, own.key)) continue;
    const step = stepOf(own.kind, attachment) as Own | undefined;
    if (step === undefined) continue;
    steps[node.records.isComplete(attachment.key) ? "ended" : "running"].push(step);
  }
  return [...steps.ended, ...steps.running];
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
    nameOf: (element) => nameOf(element, node),
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

/**
 * The attachment that an element belongs to, by the element's comment or, where that was cut, by its record.
 * Undefined where neither tells. Throws SystemError.
 */
export function keyOf(element: Commented, node: Node): AttachmentKey | undefined {
  const owner = ownerOf(element);
  const key = keyOfLabel(holderOf(element));
  if (key !== undefined && attachmentDigest(key) === owner) return key;
  return node.findRecord(owner)?.key;
}

/** The attachment that an element belongs to, in words for people. Throws SystemError. */
function nameOf(element: Commented, node: Node): string {
  const key = keyOf(element, node);
  return key === undefined ? holderOf(element) : node.nameOf(key);
}
