// Masquerading of the network by iptables (ipMasqBackend). A look at the rules needs no program; to make them
// takes one call of iptables-restore for each family, at the first pod of a network or when the rules were
// lost.
import { attempt } from "../../../failure/failure.ts";
import { removeJumps } from "../../../iptables/table.ts";
import { isAnyLost } from "../../../nft/answer.ts";
import type { IptablesMasqueradeStep } from "../../../plan/step.ts";
import type { Place, Removal, Removing, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { countLostShared, ensureShared, type Leaving, removeUnneeded, unneeded } from "../../shared.ts";
import { chainsOf, findChains, networkChain, type Search } from "./network-chain.ts";

export const iptablesMasquerade: StepKind<IptablesMasqueradeStep> = {
  apply: (step, { node }) => putMasquerade(step, node),
  remove: removeMasquerade,
  verify: verifyMasquerade,
  restoration: {
    countLost: (steps, node) => countLostShared(networkChain, steps, node),
    isSharedLost: (step, node) => isAnyLost(countLostShared(networkChain, [step], node)),
    putBack: putMasquerade,
  },
};

function putMasquerade(step: IptablesMasqueradeStep, node: Node): void {
  attempt("rules", `masquerading ${step.key.network}`, () => ensureShared(networkChain, step, node));
}

/** The removal of the chains: they go when the veth has gone, unless another attachment needs them. */
function removeMasquerade(step: IptablesMasqueradeStep, { node }: Removing): Removal {
  const about = `masquerading of network ${step.key.network}`;
  return { afterLinks: () => attempt("cleanup", about, () => removeUnneeded(networkChain, step, node)) };
}

/** The problem with the masquerading as a sentence; undefined when there is none. */
function verifyMasquerade(step: IptablesMasqueradeStep, { node }: Place): string | undefined {
  const [lost] = attempt("rules", "table nat of iptables", () => networkChain.missing(chainsOf(step), node));
  if (lost === undefined) return undefined;
  return `the iptables chain ${lost.name} in table nat, which masquerades network ${step.key.network}, is missing or not whole`;
}

/**
 * Removes all chains of a network that no attachment needs, found without any record. Takes the node's lock
 * where there are any. Throws CniError.
 */
export function removeStrayChains(leaving: Leaving, search: Search, node: Node): void {
  const { network } = leaving;
  attempt("cleanup", `masquerading of network ${network}`, () => {
    if (findChains(network, search, node).next().done === true) return;
    node.underLock(() => {
      const found = [...findChains(network, search, node)].map(([table, id]) => ({
        table,
        id,
        reach: "network" as const,
      }));
      for (const { table, id } of unneeded(networkChain, found, { leaving, node }))
        removeJumps(table, id, () => true);
    });
  });
}
