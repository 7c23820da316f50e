// The chains in iptables that tell other programs of host ports (compat.iptablesHostPortChains): made by one
// call of iptables-restore, looked at without a program, changed under the node's lock. The functions that
// look at or change chains throw SystemError, and those that change them CniError too, when iptables is
// missing or refuses.
import { CniError } from "../../../cni/error.ts";
import {
  HOST_PORTS,
  listPortChains,
  portChainLines,
  portChainName,
  portChainUses,
} from "../../../iptables/host-port-chain.ts";
import { findLegacyRestore } from "../../../iptables/legacy-table.ts";
import { nftablesTable, tableInNftables } from "../../../iptables/nftables-table.ts";
import { findIptables, listRules, restore, textOf } from "../../../iptables/program.ts";
import { type IptablesTable, NAT, programRefused, removeJumps } from "../../../iptables/table.ts";
import { deleteUnusedChains } from "../../../nft/chain.ts";
import type { HostPortStep } from "../../../plan/step.ts";
import { portChainOf } from "../../../ruleset/host-port.ts";
import { iptablesTables } from "../../iptables-tables.ts";
import type { Node } from "../../node.ts";

/** Makes the attachment's chain. The caller holds the node's lock. */
export function putPortChain(step: HostPortStep, node: Node): void {
  const chain = portChainOf(step);
  if (chain === undefined || isPortChainWhole(step, node)) return;
  removeNamed(chain.name, node);
  const list = findIptables(4, [""]);
  const program = findIptables(4, ["-restore"]);
  if (list === undefined || program === undefined) throw programMissing();
  // The program makes the chain, so it is in the variant that other programs read.
  const make = () => restore(program, NAT, portChainLines(chain, listRules(list, HOST_PORTS) === undefined));
  let outcome = make();
  // The chain of all pods is the reference's too, and the reference may have made it just now.
  if (outcome.status !== 0) outcome = make();
  if (outcome.status !== 0)
    throw programRefused(NAT, {
      command: `${program} --noflush`,
      text: textOf(outcome),
      instead: "take compat.iptablesHostPortChains out of the configuration",
    });
}

/** True when the chain that other programs read is whole, or none is needed. */
export function isPortChainWhole(step: HostPortStep, node: Node): boolean {
  const chain = portChainOf(step);
  if (chain === undefined) return true;
  const { rules, jumps } = portChainUses(chain);
  // In the legacy variant jumps are counted in the base chains alone.
  for (const table of iptablesTables(node, NAT, [4]))
    if (table.countUses(chain.name) === (table.variant === "nftables" ? rules + jumps : rules)) return true;
  return false;
}

/** The number of rules in the chain and of jumps to it; 0 when no chain is needed. */
export function countPortChain(step: HostPortStep): number {
  const chain = portChainOf(step);
  if (chain === undefined) return 0;
  const { rules, jumps } = portChainUses(chain);
  return rules + jumps;
}

/**
 * Removes all parts of an attachment's chain, and the chain of all pods when nothing needs it. Takes the
 * node's lock where there is a part.
 */
export function removePortChain(owner: string, node: Node): void {
  const name = portChainName(owner);
  if (isThere(name, node)) node.underLock(() => removeNamed(name, node));
}

/**
 * Removes the chains of a network's attachments, except those with these digests. Takes the node's lock where
 * there are chains.
 */
export function removeStalePortChains(network: string, owners: () => string[], node: Node): void {
  const list = isThere(HOST_PORTS.base, node) ? findIptables(4, [""]) : undefined;
  if (list === undefined) return;
  node.underLock(() => {
    const kept = new Set(owners().map(portChainName));
    for (const name of listPortChains(listRules(list, HOST_PORTS) ?? [], network))
      if (!kept.has(name)) removeNamed(name, node);
  });
}

function isThere(chain: string, node: Node): boolean {
  for (const table of iptablesTables(node, NAT, [4])) if (table.countUses(chain) !== undefined) return true;
  return false;
}

function removeNamed(name: string, node: Node): void {
  for (const table of iptablesTables(node, NAT, [4])) {
    if (table.countUses(name) === undefined) continue;
    if (table.variant === "nftables") removeFromNftables(name, node);
    else removeFromLegacy(name, table);
  }
}

function removeFromNftables(name: string, node: Node): void {
  removeJumps(nftablesTable(node.rules, 4, HOST_PORTS), name, () => true);
  const counted = { table: tableInNftables(4, HOST_PORTS), rules: new Map() };
  deleteUnusedChains(node.rules, counted, [HOST_PORTS.base]);
}

/** Removes a chain from a legacy table. Only the program iptables can read these rules. */
function removeFromLegacy(name: string, { countUses }: IptablesTable): void {
  const list = findIptables(4, ["-legacy", ""]);
  const program = findLegacyRestore(4);
  if (list === undefined || program === undefined) throw programMissing();
  const jumps = (listRules(list, HOST_PORTS) ?? []).filter((rule) => rule.endsWith(` -j ${name}`));
  const outcome = restore(program, NAT, [
    ...jumps.map((rule) => rule.replace("-A", "-D")),
    `-F ${name}`,
    `-X ${name}`,
  ]);
  if (outcome.status !== 0)
    throw programRefused(NAT, {
      command: `${program} --noflush`,
      text: textOf(outcome),
      instead: "take the chain away by hand",
    });
  // The program refuses to delete a chain that is in use.
  if (countUses(HOST_PORTS.base) === 0) restore(program, NAT, [`-X ${HOST_PORTS.base}`]);
}

function programMissing(): CniError {
  return new CniError("rules", {
    about: "iptables is not there",
    cause:
      "compat.iptablesHostPortChains is set, and iptables and iptables-restore are neither in PATH nor in /usr/sbin or /sbin",
    hint: "Install the package iptables, or take compat.iptablesHostPortChains out of the configuration",
  });
}
