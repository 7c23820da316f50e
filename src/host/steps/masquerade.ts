// Masquerading of the pod's addresses, by elements in the node's nftables table.
import { CniError } from "../../cni/error.ts";
import { formatAddress } from "../../ip/address.ts";
import { getLink, getLinks } from "../../net/link.ts";
import type { Masquerade } from "../../nft/address-claim.ts";
import { ifThereIsNftables, type LostRules } from "../../nft/answer.ts";
import { networkChain } from "../../nft/layout.ts";
import {
  ensureMasquerade,
  findElements,
  MASQUERADE,
  missingParts,
  removeMasquerade,
} from "../../nft/masquerade.ts";
import { countLost } from "../../nft/owned-table.ts";
import type { MasqueradeStep } from "../../plan/step.ts";
import { hostInterfaceOfDigest } from "../../record/digest.ts";
import { openRecordStore } from "../../record/store.ts";
import { errnoOf, SystemError } from "../../sys/errno.ts";
import { attempt, explain } from "../failure.ts";
import type { Machine } from "../machine.ts";
import { masqueradeOfRecord, recordedSteps, underNodeLock } from "../node.ts";
import { modulesHint } from "../rules-hint.ts";

/**
 * Makes sure that the addresses are masqueraded; a table that was lost comes back with everybody's elements,
 * under the node's lock.
 */
export function putMasquerade(step: MasqueradeStep, machine: Machine, nodeLock = underNodeLock): void {
  const about = step.addresses.map(formatAddress).join(", ");
  try {
    ensureMasquerade(machine.rules, masqueradeOf(step), {
      isAlive: (owner) => getLink(machine.links, { name: hostInterfaceOfDigest(owner) }) !== undefined,
      lostAddress: (owner) => hasLostAddress(owner, step),
      isOnBridge: (owner, network, bridge) => isOnBridge(owner, network, bridge, machine),
      underNodeLock: nodeLock,
      giveWay: (owner) => forgetDead(owner, step, machine),
      others: () =>
        recordedSteps(machine, step.owner, masqueradeOfRecord)
          .filter(({ backend }) => backend === "nftables")
          .map(masqueradeOf),
    });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw error.errno === errnoOf("EADDRINUSE")
      ? addressTaken(about, error)
      : explain("rules", `masquerading ${about}`, error, rulesHint(error));
  }
}

/**
 * True when an attachment of our network had its leases where ours are: then another program has taken away
 * the one that we hold now. Nothing is said by an address that is leased elsewhere, since somebody changed
 * dataDir, or that a foreign IPAM plugin gave.
 */
function hasLostAddress(owner: string, step: MasqueradeStep): boolean {
  const records = openRecordStore();
  const ours = records.getRecordOfDigest(step.network, step.owner)?.leaseDirectory;
  return ours !== undefined && records.getRecordOfDigest(step.network, owner)?.leaseDirectory === ours;
}

/** The record tells what a pod in a VLAN comes in by; the kernel tells it of all others. */
function isOnBridge(owner: string, network: string | undefined, bridge: string, machine: Machine): boolean {
  const record = network === undefined ? undefined : openRecordStore().getRecordOfDigest(network, owner);
  if (record?.gatewayInterface !== undefined) return record.gatewayInterface === bridge;
  const [port, link] = getLinks(machine.links, [{ name: hostInterfaceOfDigest(owner) }, { name: bridge }]);
  return port !== undefined && port.master === link?.index;
}

/**
 * Another program took the attachment down (the reference plugin does, link and lease alone): its record says
 * what is not true any more.
 */
function forgetDead(owner: string, step: MasqueradeStep, machine: Machine): void {
  const records = openRecordStore();
  if (
    getLink(machine.links, { name: hostInterfaceOfDigest(owner) }) !== undefined ||
    records.isAddOfDigestRunning(step.network, owner)
  )
    return;
  // Else it may hold a lease still, which is found by its record alone.
  if (hasLostAddress(owner, step)) records.removeRecordOfDigest(step.network, owner);
}

/**
 * What helps when nftables refuses; undefined when only the error number can tell. ENOENT: a chain's type or
 * an expression is a module too.
 */
export function rulesHint(error: SystemError): string | undefined {
  return modulesHint(error, "nfnetlink, nf_tables, nft_chain_nat and nft_masq");
}

/** Undo: the attachment's own elements go, also those that another ADD put back for it. */
export function undoMasquerade(step: MasqueradeStep, machine: Machine): void {
  ifThereIsNftables(
    () => machine.rules,
    (rules) => removeMasquerade(rules, step, { chain: masqueradeOf(step).chain.name }),
  );
}

/** How much of the masquerading of these attachments is not there. */
export function countLostMasquerade(steps: readonly MasqueradeStep[], machine: Machine): LostRules {
  return attempt("rules", "table inet pontoon", () =>
    countLost(MASQUERADE, steps.map(masqueradeOf), machine.rules),
  );
}

/** What is wrong with the masquerading, or undefined. */
export function verifyMasquerade(step: MasqueradeStep, machine: Machine): string | undefined {
  const { chain } = masqueradeOf(step);
  const missing = attempt("rules", "table inet pontoon", () => missingParts(machine.rules, [chain]));
  if (missing.includes("table"))
    return "the nftables table inet pontoon, which masquerades, is missing or not whole";
  if (missing.length > 0)
    return `the nftables chain ${missing[0]}, which masquerades network ${step.network}, is missing or not whole`;
  const lost = step.addresses.find((address) => {
    const elements = findElements(machine.rules, {
      owner: step.owner,
      bridge: step.bridge,
      addresses: [address],
    });
    return !elements.some((element) => element.chain === chain.name);
  });
  return lost === undefined
    ? undefined
    : `${formatAddress(lost)} is not masqueraded: its nftables element is missing`;
}

function masqueradeOf(step: MasqueradeStep): Masquerade {
  const { owner, label, bridge, addresses } = step;
  return { owner, label, bridge, addresses, chain: networkChain(step.network, step.subnets) };
}

function addressTaken(about: string, error: SystemError): CniError {
  return new CniError(
    "rules",
    {
      about: `address ${about} is used twice`,
      cause: error.kernelText,
      hint: "Give each pod an address of its own: different ranges for two networks, one dataDir for one network, or different bridges",
    },
    { cause: error },
  );
}
