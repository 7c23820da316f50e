// The chains by which pods' packets pass a firewall of iptables: looked for, made and removed in every table
// filter of the host, in both variants. All exported functions throw SystemError; those that change a table
// throw CniError too, when a program that they run is missing or refuses.
import { CniError } from "../../../cni/error.ts";
import type { Family } from "../../../ip/address.ts";
import {
  ADMIN_CHAIN,
  entryOfChain,
  FORWARD_PREFIX,
  type ForwardChain,
  forwardUses,
} from "../../../iptables/forward-chain.ts";
import { forwardMessages } from "../../../iptables/forward-rule.ts";
import { findLegacyRestore, isOutOfReach } from "../../../iptables/legacy-table.ts";
import { makeForwardChain } from "../../../iptables/program.ts";
import { FILTER, type IptablesTable, iptablesOf, removeJumps } from "../../../iptables/table.ts";
import { executeBatch } from "../../../nft/batch.ts";
import type { Entry } from "../../../nft/ingress-layout.ts";
import { iptablesTables } from "../../iptables-tables.ts";
import type { Node } from "../../node.ts";

/** True when packets pass in every table: the chain has all of its rules, and all jumps to it are there. */
export function isPassable(chain: ForwardChain, node: Node): boolean {
  for (const table of droppingTables(chain.family, node)) if (!isWholeIn(table, chain)) return false;
  return !isOutOfReach(chain.family, FILTER);
}

/** Makes the chain in every table where it is not whole. */
export function makePassable(chain: ForwardChain, node: Node): void {
  for (const table of droppingTables(chain.family, node)) {
    if (isWholeIn(table, chain)) continue;
    removeJumps(table, chain.name, () => true);
    const hasAdmin = hasAdminChain(table);
    if (table.variant === "nftables") executeBatch(node.rules, forwardMessages(chain, hasAdmin));
    else makeForwardChain(findLegacyRestore(chain.family) ?? "iptables-restore", chain, hasAdmin);
  }
  if (isOutOfReach(chain.family, FILTER)) throw programMissing(chain.family);
}

/** True when any part of the chain is in any table. */
export function hasPassage(chain: ForwardChain, node: Node): boolean {
  for (const table of iptablesTables(node, FILTER, [chain.family]))
    if (table.countUses(chain.name) !== undefined) return true;
  return false;
}

/** Removes all parts of the chain from all tables. */
export function removePassage(chain: ForwardChain, node: Node): void {
  for (const table of iptablesTables(node, FILTER, [chain.family]))
    removeJumps(table, chain.name, () => true);
}

/** The entries that have such a chain in any table. */
export function listPassable(node: Node): Entry[] {
  const entries = [...iptablesTables(node, FILTER)].flatMap((table) =>
    table.listJumps(FORWARD_PREFIX).flatMap(({ chain }) => entryOfChain(chain) ?? []),
  );
  return [...new Set(entries)];
}

function* droppingTables(family: Family, node: Node): Generator<IptablesTable> {
  for (const table of iptablesTables(node, FILTER, [family])) if (table.mayDrop()) yield table;
}

function isWholeIn(table: IptablesTable, { name }: ForwardChain): boolean {
  return table.countUses(name) === forwardUses(hasAdminChain(table));
}

/**
 * True when there is an administrator's chain. When it is made later, Pontoon's chain stops being whole, and
 * the next ADD adds the jump to it.
 */
function hasAdminChain(table: IptablesTable): boolean {
  return table.countUses(ADMIN_CHAIN) !== undefined;
}

function programMissing(family: Family): CniError {
  return new CniError("rules", {
    about: `${iptablesOf(family)}-restore of the legacy variant is not there`,
    cause:
      "the legacy iptables of this node drop what is forwarded, and only this program can let the pods' packets through",
    hint: "Install the package iptables, or set the policy of the chain FORWARD to ACCEPT",
  });
}
