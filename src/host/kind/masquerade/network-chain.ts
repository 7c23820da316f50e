// The chains by which networks are masqueraded in iptables: made, looked for, taken away.
import type { Family } from "../../../ip/address.ts";
import { chainPrefix, type NetworkChain, networkChains, usesOf } from "../../../iptables/network-chain.ts";
import { makeChains } from "../../../iptables/program.ts";
import { type IptablesTable, NAT, removeJumps } from "../../../iptables/table.ts";
import type { IptablesMasqueradeStep } from "../../../plan/step.ts";
import { iptablesTables } from "../../iptables-tables.ts";
import type { Node } from "../../node.ts";
import type { SharedKind, SharedThing } from "../../shared.ts";
import { restoreProgram } from "./program.ts";

/** The chains as things that the pods of a network share. */
export const networkChain: SharedKind<"iptablesMasquerade", NetworkChain & SharedThing> = {
  name: "iptablesMasquerade",
  thingsOf: chainsOf,
  missing: (chains, node) => chains.filter((chain) => !isWhole(chain, node)),
  make(chains, node) {
    for (const chain of chains) removeChain(chain, node);
    for (const family of [4, 6] as const)
      makeAll(
        chains.filter((chain) => chain.family === family),
        family,
      );
  },
  remove(chains, node) {
    for (const chain of chains) removeChain(chain, node);
  },
  sizeOf: usesOf,
};

/** The chains that a step needs. */
export function chainsOf({ key, subnets }: IptablesMasqueradeStep): (NetworkChain & SharedThing)[] {
  return networkChains(key.network, subnets).map((chain) => ({ ...chain, id: chain.name, reach: "network" }));
}

/** True when the chain has all of its rules, and all jumps to it are there. */
function isWhole(chain: NetworkChain, node: Node): boolean {
  for (const table of iptablesTables(node, NAT, [chain.family]))
    if (table.countUses(chain.name) === usesOf(chain)) return true;
  return false;
}

/** Removes all parts of a chain from every table. */
function removeChain(chain: NetworkChain, node: Node): void {
  for (const table of iptablesTables(node, NAT, [chain.family])) removeJumps(table, chain.name, () => true);
}

function makeAll(chains: readonly NetworkChain[], family: Family): void {
  if (chains.length > 0) makeChains(restoreProgram(family), [...chains]);
}

/**
 * The place to look for chains. To look through the jumps is cheap beside thousands of chains of other
 * programs, and finds every chain that has an effect.
 */
export type Search = "chains" | "jumps";

/** The existing chains of a network, with the table of each, whether or not an attachment needs them. */
export function* findChains(network: string, search: Search, node: Node): Generator<[IptablesTable, string]> {
  const prefix = chainPrefix(network);
  for (const table of iptablesTables(node, NAT)) {
    const names =
      search === "chains" ? table.listChains(prefix) : table.listJumps(prefix).map(({ chain }) => chain);
    for (const name of new Set(names)) yield [table, name];
  }
}
