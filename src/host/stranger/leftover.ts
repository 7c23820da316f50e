// Kernel objects that dead attachments of a network left, found without any record. Every exported function
// throws SystemError.

import { ifbName, keyOfAlias, referenceIfbName } from "../../attachment/name.ts";
import type { AttachmentKey } from "../../cni/attachment-key.ts";
import { removeLink } from "../../net/link-change.ts";
import { listLinks } from "../../net/link-set.ts";
import { ifThereIsNftables } from "../../nft/answer.ts";
import { networkOfComment, ownerOf } from "../../nft/comment.ts";
import { deleteElements, type Element } from "../../nft/element.ts";
import { isChainOf } from "../../nft/layout.ts";
import { listAllElements, removeUnusedChains } from "../../nft/masquerade.ts";
import { listSpoofElements } from "../../nft/spoof-check.ts";
import { listPortsLike } from "../bridge-ports.ts";
import type { Node } from "../node.ts";
import { removeStrayHostPorts } from "./host-port.ts";

/**
 * Removes the elements of stale owners in a network, and the network's chains that nothing leads to. The
 * caller holds the lock of the leases.
 */
export function removeStaleElements(network: string, isStale: (owner: string) => boolean, node: Node): void {
  const elements = ifThereIsNftables(
    () => node.rules,
    (rules) => [...listAllElements(rules), ...listSpoofElements(rules)],
  );
  if (elements === undefined) return;
  const isOfNetwork = (element: Element): boolean =>
    element.chain === "" ? networkOfComment(element) === network : isChainOf(network, element.chain);
  const stale = elements.filter((element) => isOfNetwork(element) && isStale(ownerOf(element)));
  deleteElements(node.rules, stale);
  removeUnusedChains(node.rules, stale, { network });
  removeStrayHostPorts(
    network,
    (element) => networkOfComment(element) === network && isStale(ownerOf(element)),
    node,
  );
}

/** Removes the host's ends of stale attachments of a network, whatever they are connected to. */
export function removeStalePorts(
  network: string,
  isStale: (key: AttachmentKey) => boolean,
  node: Node,
): void {
  // The network may have been on another bridge, or on none, when an attachment was made.
  const anywhere = { network, bridge: undefined };
  for (const name of listPortsLike(anywhere, isStale, node)) removeLink(node.links, { name });
}

/**
 * Removes the ifbs of stale attachments of a network: the alias of an ifb tells the key, and its name proves
 * it.
 */
export function removeStaleIfbs(network: string, isStale: (key: AttachmentKey) => boolean, node: Node): void {
  for (const { name, alias } of listLinks(node.links, "ifb")) {
    const key = keyOfAlias(alias);
    const isOurs = key !== undefined && key.network === network && ifbName(key) === name;
    if (isOurs && isStale(key)) removeLink(node.links, { name });
  }
}

/**
 * Removes the ifbs of the reference plugin `bandwidth` for these containers. They have no alias, and their
 * name is a hash of network and container, so the ifb of a container that is not named stays.
 */
export function removeReferenceIfbs(network: string, containers: Iterable<string>, node: Node): void {
  const names = new Set([...containers].map((containerId) => referenceIfbName({ network, containerId })));
  if (names.size === 0) return;
  for (const { name } of listLinks(node.links, "ifb")) if (names.has(name)) removeLink(node.links, { name });
}
