// Masquerading of the pod's addresses, by elements in the node's nftables table.
import { mapped } from "../../list.ts";
import { CniError } from "../../cni/error.ts";
import { formatAddress } from "../../ip/address.ts";
import { getLink } from "../../net/link.ts";
import { networkChain } from "../../nft/layout.ts";
import { ensureMasquerade, findElements, type Masquerade, missingParts, removeMasquerade } from "../../nft/masquerade.ts";
import type { MasqueradeStep } from "../../plan/step.ts";
import { hostInterfaceOfDigest } from "../../record/digest.ts";
import { ERRNO, SystemError } from "../../sys/errno.ts";
import { attempt, explain } from "../failure.ts";
import type { Machine } from "../machine.ts";
import { masqueradedAttachments, underNodeLock } from "../node.ts";

/** Makes sure that the addresses are masqueraded; a table that was lost comes back with everybody's elements. */
export function putMasquerade(step: MasqueradeStep, machine: Machine): void {
  const about = mapped(step.addresses, formatAddress).join(", ");
  try {
    ensureMasquerade(machine.rules, masqueradeOf(step), {
      isAlive: (owner) => getLink(machine.links, { name: hostInterfaceOfDigest(owner) }) !== undefined,
      underNodeLock,
      others: () => masqueradedAttachments(machine, step.owner).map(masqueradeOf),
    });
  } catch (error) {
    // One address may be in already when the next one is refused.
    undoMasquerade(step, machine);
    if (!(error instanceof SystemError)) throw error;
    throw error.errno === ERRNO.EADDRINUSE ? addressTaken(about, error) : explain("rules", `masquerading ${about}`, error);
  }
}

/** Undo: the attachment's own elements go. */
export function undoMasquerade(step: MasqueradeStep, machine: Machine): void {
  removeMasquerade(machine.rules, { owner: step.owner, bridge: step.bridge, addresses: step.addresses }, { chain: masqueradeOf(step).chain.name });
}

/** What is wrong with the masquerading, or undefined. */
export function verifyMasquerade(step: MasqueradeStep, machine: Machine): string | undefined {
  const { chain } = masqueradeOf(step);
  const missing = attempt("rules", "table inet pontoon", () => missingParts(machine.rules, [chain]));
  if (missing.includes("table")) return "the nftables table inet pontoon, which masquerades, is missing or not whole";
  if (missing.length > 0) return `the nftables chain ${missing[0]}, which masquerades network ${step.network}, is missing or not whole`;
  const lost = step.addresses.find((address) => {
    const elements = findElements(machine.rules, { owner: step.owner, bridge: step.bridge, addresses: [address] });
    return !elements.some((element) => element.chain === chain.name);
  });
  return lost === undefined ? undefined : `${formatAddress(lost)} is not masqueraded: its nftables element is missing`;
}

function masqueradeOf(step: MasqueradeStep): Masquerade {
  const { owner, label, bridge, addresses } = step;
  return { owner, label, bridge, addresses, chain: networkChain(step.network, step.subnets) };
}

function addressTaken(about: string, error: SystemError): CniError {
  return new CniError("rules", {
    about: `address ${about} is used twice`,
    cause: error.kernelText,
    hint: "Give the two networks different ranges, different bridges, or one dataDir with one network name",
  }, { cause: error });
}
