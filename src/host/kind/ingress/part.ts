// The parts of an ingress policy for one interface of a network. Pods share each part.
import type { IngressPolicy } from "../../../cni/bridge-config.ts";
import { collectErrors, throwJoined } from "../../../failure/failure.ts";
import type { Family } from "../../../ip/address.ts";
import { type ForwardChain, forwardChain, forwardUses } from "../../../iptables/forward-chain.ts";
import { ifThereIsNftables } from "../../../nft/answer.ts";
import {
  hasIngressElement,
  missingIngressSets,
  putIngressElements,
  removeIngressElements,
} from "../../../nft/ingress.ts";
import { INGRESS_SETS, type IngressSet } from "../../../nft/ingress-layout.ts";
import type { TableTest } from "../../../nft/table-layout.ts";
import type { Node } from "../../node.ts";
import { isInZone, putIntoZone, takeOutOfZone } from "./firewalld.ts";
import { hasPassage, isPassable, makePassable, removePassage } from "./forward-chain.ts";

/**
 * A part: a place of the interface in a set of Pontoon's own table; a way for its packets through iptables,
 * in one family; or a way through firewalld.
 */
export type IngressPart = "networks" | "together" | "apart" | "accept4" | "accept6" | "zone";

/** The parts that a pod with this policy and addresses of these families needs. */
export function partsOf(policy: IngressPolicy, families: readonly Family[]): IngressPart[] {
  const apart: Record<IngressPolicy, IngressPart[]> = {
    open: [],
    "same-bridge": ["networks", "together"],
    isolated: ["networks", "apart"],
  };
  const ways: IngressPart[] =
    families.length === 0 ? [] : [...families.map((family): IngressPart => `accept${family}`), "zone"];
  return [...apart[policy], ...ways];
}

/** True for a part that is an element of Pontoon's own table. */
export function isElement(part: IngressPart): part is IngressPart & IngressSet {
  return part === "networks" || part === "together" || part === "apart";
}

/** The parts among `parts` that are missing, or not whole as `isWhole` says. Throws SystemError. */
export function missingParts(
  parts: readonly IngressPart[],
  { interfaceName, isWhole }: { interfaceName: string; isWhole: TableTest },
  node: Node,
): IngressPart[] {
  const sets = parts.filter(isElement);
  const missing = sets.length === 0 ? [] : missingIngressSets(node.rules, sets, { interfaceName, isWhole });
  return parts.filter((part) => {
    if (part === "zone") return !isInZone(interfaceName, node);
    return isElement(part) ? missing.includes(part) : !isPassable(chainOf(part, interfaceName), node);
  });
}

/** The parts of which anything is there. Throws SystemError. */
export function partsToRemove(interfaceName: string, node: Node): IngressPart[] {
  const sets =
    ifThereIsNftables(
      () => node.rules,
      (rules) => INGRESS_SETS.filter((set) => hasIngressElement(rules, set, interfaceName)),
    ) ?? [];
  const ways = (["accept4", "accept6"] as const).filter((part) =>
    hasPassage(chainOf(part, interfaceName), node),
  );
  return [...sets.map((set) => (set === "trusted" ? "zone" : set)), ...ways];
}

/**
 * Makes these parts of an interface; `network` is for people who list the rules. The caller holds the node's
 * lock. Throws SystemError and CniError.
 */
export function makeParts(
  parts: readonly IngressPart[],
  { interfaceName, network }: { interfaceName: string; network: string },
  node: Node,
): void {
  const elements = parts.filter(isElement).map((set) => ({ set, interfaceName, comment: network }));
  if (elements.length > 0) putIngressElements(node.rules, elements);
  for (const part of parts) {
    if (part === "zone") putIntoZone(interfaceName, network, node);
    else if (!isElement(part)) makePassable(chainOf(part, interfaceName), node);
  }
}

/** Removes parts, and goes on when one stays. The caller holds the node's lock. Throws CniError. */
export function removeParts(parts: readonly IngressPart[], interfaceName: string, node: Node): void {
  const sets = parts.filter(isElement);
  const errors = collectErrors([
    () => {
      if (sets.length > 0)
        ifThereIsNftables(
          () => node.rules,
          (rules) => removeIngressElements(rules, sets, interfaceName),
        );
    },
    ...parts.map((part) => () => {
      if (part === "zone") takeOutOfZone(interfaceName, node);
      else if (!isElement(part)) removePassage(chainOf(part, interfaceName), node);
    }),
  ]);
  throwJoined(errors);
}

/** The number of rules and elements for which a part counts. */
export function sizeOf(part: IngressPart): number {
  return isElement(part) || part === "zone" ? 1 : forwardUses(false);
}

/** The sentence about a missing part. */
export function missingText(part: IngressPart, interfaceName: string, network: string): string {
  if (isElement(part))
    return `the nftables table inet pontoon-ingress, which keeps pods of networks apart, is not whole or lacks ${interfaceName} in its set ${part}`;
  if (part === "zone")
    return `firewalld has ${interfaceName} in none of its zones, so it rejects packets of network ${network}`;
  const { family, name } = chainOf(part, interfaceName);
  return `the ${family === 4 ? "iptables" : "ip6tables"} chain ${name} in table filter, which lets packets of network ${network} through, is missing or not whole`;
}

function chainOf(part: Exclude<IngressPart, IngressSet | "zone">, interfaceName: string): ForwardChain {
  return forwardChain(part === "accept4" ? 4 : 6, interfaceName);
}
