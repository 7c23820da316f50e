// Masquerading of the pod's addresses, by elements in the node's nftables table.
import { bridgeOf, entryOf } from "../../../attachment/link.ts";
import { hostInterfaceOfDigest } from "../../../attachment/name.ts";
import { attempt, explain } from "../../../failure/failure.ts";
import { formatAddress } from "../../../ip/address.ts";
import { getLinks } from "../../../net/link.ts";
import {
  ensureMasquerade,
  findElements,
  MASQUERADE,
  missingParts,
  removeUnusedChains,
} from "../../../nft/masquerade.ts";
import { countLost, isSharedLost } from "../../../nft/owned-table.ts";
import type { MasqueradeStep } from "../../../plan/step.ts";
import { masqueradeOf } from "../../../ruleset/masquerade.ts";
import { errnoOf, SystemError } from "../../../sys/errno.ts";
import { AddressTaken } from "../../address-taken.ts";
import type { Place, Removal, Removing, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { otherAttachments } from "../../recorded.ts";
import { modulesHint } from "../../rules-hint.ts";

export const masquerade: StepKind<MasqueradeStep> = {
  apply: (step, { node }) => putMasquerade(step, node),
  remove: removeMasquerade,
  verify: verifyMasquerade,
  restoration: {
    countLost: (steps, node) =>
      attempt("rules", "table inet pontoon", () =>
        countLost(MASQUERADE, steps.map(masqueradeOf), node.rules),
      ),
    isSharedLost: (step, node) =>
      attempt("rules", "table inet pontoon", () => isSharedLost(MASQUERADE, masqueradeOf(step), node.rules)),
    putBack: putMasquerade,
  },
};

/**
 * Makes sure that the addresses are masqueraded; a table that was lost comes back with the elements of all
 * attachments, under the node's lock.
 */
function putMasquerade(step: MasqueradeStep, node: Node): void {
  const about = step.addresses.map(formatAddress).join(", ");
  try {
    ensureMasquerade(node.rules, masqueradeOf(step), {
      isBehind: (owner, network, gateway) => isBehind({ owner, network, gateway }, node),
      giveWay: (owner) => forgetDead(owner, step, node),
      ...otherAttachments(step, masqueradeOf, node),
    });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw error.errno === errnoOf("EADDRINUSE")
      ? addressTaken(about, error)
      : explain("rules", `masquerading ${about}`, error, rulesHint(error));
  }
}

/**
 * True when the dead attachment with that digest had its leases where this attachment's leases are: then
 * another program has removed that lease, and this attachment holds the address now. False proves nothing: an
 * operator may have changed dataDir, or a foreign IPAM plugin gave the address.
 */
function hasLostLease(owner: string, { key }: MasqueradeStep, { records }: Node): boolean {
  const ours = records.getRecord(key)?.leaseDirectory;
  return ours !== undefined && records.getRecordOfDigest(key.network, owner)?.leaseDirectory === ours;
}

/**
 * True when packets of the attachment with that digest come in by the interface `gateway`. For a port of a
 * bridge the kernel tells it, for a port in a VLAN and for other links the record.
 */
function isBehind(
  { owner, network, gateway }: { owner: string; network: string | undefined; gateway: string },
  node: Node,
): boolean {
  const link = network === undefined ? undefined : node.records.getRecordOfDigest(network, owner)?.link;
  if (link !== undefined && entryOf(link) !== bridgeOf(link)) return entryOf(link) === gateway;
  const which = [{ name: hostInterfaceOfDigest(owner) }, { name: gateway }];
  const [port, bridge] = getLinks(node.links, which);
  return port !== undefined && port.master === bridge?.index;
}

/**
 * Removes the record of an attachment that another program took down: the reference plugin removes only link
 * and lease, so the record is wrong. A record whose attachment may still hold a lease stays, since the lease
 * is found by it alone.
 */
function forgetDead(owner: string, step: MasqueradeStep, node: Node): void {
  const { network } = step.key;
  if (node.hasInterface(hostInterfaceOfDigest(owner)) || node.records.isAddOfDigestRunning(network, owner))
    return;
  if (hasLostLease(owner, step, node)) node.records.removeRecordOfDigest(network, owner);
}

/** The hint when nftables refuses rules; undefined when only the error number can tell. */
export function rulesHint(error: SystemError): string | undefined {
  return modulesHint(error, "nfnetlink, nf_tables, nft_chain_nat and nft_masq");
}

/**
 * The removal of masquerading: the attachment's own elements go, even if another ADD put them back, and then
 * the chains that nothing leads to.
 */
function removeMasquerade(step: MasqueradeStep, { node }: Removing): Removal {
  const { owner, gatewayInterface, addresses, chain } = masqueradeOf(step);
  return {
    rules() {
      const elements = findElements(node.rules, { owner, gatewayInterface, addresses });
      const afterwards = (): boolean => {
        removeUnusedChains(node.rules, elements, { chain: chain.name });
        return true;
      };
      return { elements, isComplete: elements.length >= addresses.length, afterwards };
    },
  };
}

/** The problem with the masquerading as a sentence; undefined when there is none. */
function verifyMasquerade(step: MasqueradeStep, { node }: Place): string | undefined {
  const { owner, gatewayInterface, chain } = masqueradeOf(step);
  const missing = attempt("rules", "table inet pontoon", () => missingParts(node.rules, [chain]));
  if (missing.includes("table"))
    return "the nftables table inet pontoon, which masquerades, is missing or not whole";
  if (missing.length > 0)
    return `the nftables chain ${missing[0]}, which masquerades network ${step.key.network}, is missing or not whole`;
  const lost = step.addresses.find((address) => {
    const elements = findElements(node.rules, { owner, gatewayInterface, addresses: [address] });
    return !elements.some((element) => element.chain === chain.name);
  });
  if (lost === undefined) return undefined;
  return `${formatAddress(lost)} is not masqueraded: its nftables element is missing`;
}

function addressTaken(about: string, error: SystemError): AddressTaken {
  return new AddressTaken(
    "rules",
    {
      about: `address ${about} is used twice`,
      cause: error.kernelText,
      hint: "Give each pod an address of its own: different ranges for two networks, one dataDir for one network, or different bridges",
    },
    { cause: error },
  );
}
