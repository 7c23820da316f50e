// Masquerading rules of the reference plugin, by either of its backends, for attachments that it made before
// the type in the configuration was changed.

import type { AttachmentKey } from "../../cni/attachment-key.ts";
import { attempt } from "../../failure/failure.ts";
import {
  removeReferenceChain,
  removeStaleReferenceChains,
  type Sources,
} from "../../iptables/reference-chain.ts";
import { NAT } from "../../iptables/table.ts";
import { ifThereIsNftables } from "../../nft/answer.ts";
import {
  type ReferenceOwner,
  removeReferenceMasquerade,
  removeStaleReferenceMasquerade,
} from "../../nft/reference-masquerade.ts";
import { iptablesTables } from "../iptables-tables.ts";
import type { Node } from "../node.ts";

/** The addresses with rules of one attachment, in the chain that all interfaces of its container share. */
export type { Sources } from "../../iptables/reference-chain.ts";

/**
 * Removes the reference plugin's masquerading rules of an attachment; `sources` is asked only when there is a
 * chain. Starts a program only on a host with a legacy table `nat`. Throws CniError.
 */
export function removeReferenceRules(key: AttachmentKey, sources: () => Sources, node: Node): void {
  attempting(() => {
    ifThereIsNftables(
      () => node.rules,
      (rules) => removeReferenceMasquerade(rules, key.network, key),
    );
    removeReferenceChain(iptablesTables(node, NAT), key, sources);
  });
}

/**
 * Removes the rules of all attachments of a network but the valid ones. A chain stays for as long as any
 * interface of its container is valid. Throws CniError.
 */
export function removeStaleReferenceRules(
  network: string,
  valid: readonly ReferenceOwner[],
  node: Node,
): void {
  const containers = new Set(valid.map(({ containerId }) => containerId));
  attempting(() => {
    ifThereIsNftables(
      () => node.rules,
      (rules) => removeStaleReferenceMasquerade(rules, network, valid),
    );
    removeStaleReferenceChains(iptablesTables(node, NAT), network, (containerId) =>
      containers.has(containerId),
    );
  });
}

function attempting(action: () => void): void {
  attempt("cleanup", "masquerading by the reference plugin", action);
}
