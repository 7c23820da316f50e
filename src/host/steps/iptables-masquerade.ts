// Masquerading of the network by iptables (ipMasqBackend). Whether the rules are there is asked without a
// program; making them takes one call of iptables-restore for each family, when the first pod of a network
// comes or the rules were lost.
import { CniError } from "../../cni/error.ts";
import type { Family } from "../../ip/address.ts";
import { type NetworkChain, networkChains, usesOf } from "../../iptables/network-chain.ts";
import { findIptables, makeChains } from "../../iptables/program.ts";
import type { LostRules } from "../../nft/answer.ts";
import type { MasqueradeStep } from "../../plan/step.ts";
import type { AttachmentRecord } from "../../record/attachment.ts";
import { attachmentDigest } from "../../record/digest.ts";
import { attempt } from "../failure.ts";
import type { Machine } from "../machine.ts";
import { hasLink } from "../namespace.ts";
import { chainsOfRecord, isNeeded, isWhole, removeChain } from "../network-chains.ts";
import { recordedAttachments, underNodeLock } from "../node.ts";

/**
 * Makes sure that the network is masqueraded. When its rules were lost, those of all networks with living
 * attachments come back. All of it under the node's lock: a DEL that takes the rules away looks there who
 * needs them.
 */
export function putMasquerade(step: MasqueradeStep, machine: Machine, nodeLock = underNodeLock): void {
  nodeLock(() =>
    attempt("rules", `masquerading ${step.network}`, () => {
      const own = networkChains(step.network, step.subnets);
      const missing = own.filter((chain) => !isWhole(chain, machine));
      if (missing.length === 0) return;
      const chains = wereLost(step, machine) ? [...missing, ...lostChains(own, machine)] : missing;
      for (const chain of chains) removeChain(chain, machine);
      for (const family of [4, 6] as const)
        makeAll(
          family,
          chains.filter((chain) => chain.family === family),
        );
    }),
  );
}

/** Undo: the chains go, unless another attachment needs them. */
export function undoMasquerade(
  { network, bridge, subnets, owner }: MasqueradeStep,
  machine: Machine,
  nodeLock = underNodeLock,
): void {
  nodeLock(() => {
    for (const chain of networkChains(network, subnets))
      if (!isNeeded(chain.name, { network, bridge, except: owner }, machine)) removeChain(chain, machine);
  });
}

/** What is wrong with the masquerading, or undefined. */
export function verifyMasquerade(step: MasqueradeStep, machine: Machine): string | undefined {
  const lost = attempt("rules", "table nat of iptables", () =>
    networkChains(step.network, step.subnets).find((chain) => !isWhole(chain, machine)),
  );
  return (
    lost &&
    `the iptables chain ${lost.name} in table nat, which masquerades network ${step.network}, is missing or not whole`
  );
}

/** How much of the masquerading of these attachments is not there. */
export function countLostMasquerade(steps: readonly MasqueradeStep[], machine: Machine): LostRules {
  const seen = new Set<string>();
  const byOwner = new Map(
    steps.map(({ network, subnets, owner }) => {
      const chains = networkChains(network, subnets).filter(({ name }) => !seen.has(name) && seen.add(name));
      return [
        owner,
        chains.filter((chain) => !isWhole(chain, machine)).reduce((sum, chain) => sum + usesOf(chain), 0),
      ];
    }),
  );
  return { shared: 0, byOwner };
}

/** The programs that an ADD of these families needs are there. CniError. */
export function checkIptables(families: readonly Family[]): void {
  for (const family of families) restoreProgram(family);
}

/** Another pod of the network lives, so the rules were there. */
function wereLost({ network, owner }: MasqueradeStep, machine: Machine): boolean {
  return livingWithChains(machine, [network]).some(({ key }) => attachmentDigest(key) !== owner);
}

/** What living attachments need and is not whole, besides `known`. */
function lostChains(known: NetworkChain[], machine: Machine): NetworkChain[] {
  const wanted = new Map(
    livingWithChains(machine).flatMap((record) => chainsOfRecord(record).map((chain) => [chain.name, chain])),
  );
  for (const { name } of known) wanted.delete(name);
  return [...wanted.values()].filter((chain) => !isWhole(chain, machine));
}

function livingWithChains(machine: Machine, networks?: string[]): AttachmentRecord[] {
  return recordedAttachments(machine, networks).filter(
    (record) => record.masqueradeBackend === "iptables" && hasLink(record, machine),
  );
}

function makeAll(family: Family, chains: NetworkChain[]): void {
  if (chains.length > 0) makeChains(restoreProgram(family), chains);
}

function restoreProgram(family: Family): string {
  const program = findIptables(family, ["-restore"]);
  if (program !== undefined) return program;
  throw new CniError("rules", {
    about: `${family === 4 ? "iptables" : "ip6tables"}-restore is not there`,
    cause: 'ipMasqBackend is "iptables", and this program is neither in PATH nor in /usr/sbin or /sbin',
    hint: 'Install the package iptables (Debian, Ubuntu) or iptables-nft (Fedora, RHEL), or set ipMasqBackend to "nftables"',
  });
}
