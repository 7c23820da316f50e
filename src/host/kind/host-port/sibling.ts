// The attachments of one container share its host ports: runtimes tell every network of a container of its
// ports. The first attachment holds a port. A mark beside its record tells that another attachment waits for
// it, so a DEL reads the records of others only where that mark is. Functions throw SystemError.
import type { Attachment } from "../../../attachment/attachment.ts";
import { attachmentDigest, hostInterfaceOfDigest } from "../../../attachment/name.ts";
import type { AttachmentKey } from "../../../cni/attachment-key.ts";
import { ownerOf } from "../../../nft/comment.ts";
import type { Element } from "../../../nft/element.ts";
import { removeHostPorts } from "../../../nft/host-port.ts";
import type { HostPorts, Siblings } from "../../../nft/port-attachment.ts";
import type { HostPortStep } from "../../../plan/step.ts";
import { stepOf } from "../../../plan/steps.ts";
import { hostPortsOf } from "../../../ruleset/host-port.ts";
import type { Node } from "../../node.ts";
import { keyOf } from "../../recorded.ts";
import { forgetFlows } from "./flow.ts";

/**
 * The host ports of a step, with the other attachments of the container. The node is asked for these when
 * they are needed. `onShared` is called when a port stays with one of them.
 */
export function hostPortsOn(step: HostPortStep, node: Node, onShared = (): void => {}): HostPorts {
  return { ...hostPortsOf(step), siblings: siblingsOf(step.key, node, onShared) };
}

function siblingsOf(key: AttachmentKey, node: Node, onShared: () => void): Siblings {
  const { records } = node;
  const living = new Map<string, boolean>();
  const isLivingSibling = (element: Element): boolean =>
    keyOf(element, node)?.containerId === key.containerId &&
    node.hasInterface(hostInterfaceOfDigest(ownerOf(element)));
  return {
    hold(element) {
      const owner = ownerOf(element);
      const known = living.get(owner) ?? isLivingSibling(element);
      living.set(owner, known);
      return known;
    },
    note(element) {
      const holder = keyOf(element, node);
      if (holder !== undefined) records.markShared(holder);
      onShared();
    },
    inherit(remove) {
      if (!records.hasSharedMark(key)) return remove([]);
      bequeathTo(heirsOf(isSiblingOf(key), node), key, { node, remove });
    },
  };
}

/** A test for other attachments of the container. */
function isSiblingOf(key: AttachmentKey): (other: AttachmentKey) => boolean {
  const own = attachmentDigest(key);
  return (other) => other.containerId === key.containerId && attachmentDigest(other) !== own;
}

/** Runs `remove`, which takes out the ports of an attachment, with those of its heirs. */
function bequeathTo(
  heirs: Attachment[],
  key: AttachmentKey,
  { node, remove }: { node: Node; remove: (heirs: HostPorts[]) => void },
): void {
  handingTo(heirs, node, remove);
  node.records.removeSharedMark(key);
}

/**
 * The living attachments that want host ports and whose key passes the test. An ADD that died half-way leaves
 * no heir: its pod may have no address.
 */
export function heirsOf(isWanted: (key: AttachmentKey) => boolean, node: Node): Attachment[] {
  const { records } = node;
  return node
    .recorded()
    .filter(
      (attachment) =>
        attachment.hostPorts !== undefined &&
        isWanted(attachment.key) &&
        node.hasLink(attachment) &&
        (records.isComplete(attachment.key) || records.isAddRunning(attachment.key)),
    );
}

/**
 * Runs `remove` with the host ports of the heirs. A DEL of an heir may be under way: as at a restore, a mark
 * tells that DEL to look for its elements again, and this call looks for the veth once more.
 */
export function handingTo(heirs: Attachment[], node: Node, remove: (heirs: HostPorts[]) => void): void {
  const { records } = node;
  const ports = heirs.map((heir) => {
    records.markRestored(heir.key);
    // Of several heirs one gets the ports, and the others wait for them.
    if (heirs.length > 1) records.markShared(heir.key);
    return portsOf(heir, node);
  });
  remove(ports.flatMap((each) => each ?? []));
  for (const [at, heir] of heirs.entries()) {
    const own = ports[at];
    if (own !== undefined && !node.hasLink(heir)) removeHostPorts(node.rules, own);
    records.removeStrayMark(heir.key);
  }
}

function portsOf(attachment: Attachment, node: Node): HostPorts | undefined {
  const step = stepOf("hostPorts", attachment);
  return step && hostPortsOn(step, node);
}

/**
 * Hands the ports of a dead owner to its heirs. False where it has none. The caller holds the node's lock.
 */
export function bequeath(element: Element, node: Node): boolean {
  const { records } = node;
  const key = keyOf(element, node);
  const attachment = key && records.getRecord(key);
  if (attachment === undefined || !records.hasSharedMark(attachment.key)) return false;
  const step = stepOf("hostPorts", attachment);
  const heirs = step === undefined ? [] : heirsOf(isSiblingOf(attachment.key), node);
  if (step === undefined || heirs.length === 0) return false;
  const siblings: Siblings = {
    ...siblingsOf(attachment.key, node, () => {}),
    inherit: (remove) => bequeathTo(heirs, attachment.key, { node, remove }),
  };
  const ports = { ...hostPortsOf(step), siblings };
  removeHostPorts(node.rules, ports);
  forgetFlows(ports.mappings, node);
  return true;
}
