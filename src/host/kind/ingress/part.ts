// The parts of an ingress policy for one entry of a network: the interface that its pods share, or the link
// group of their interfaces. Pods share each part, but for a place in a zone of firewalld where each pod has
// an interface of its own.

import { collectErrors, throwJoined } from "../../../failure/failure.ts";
import { forwardUses } from "../../../iptables/forward-chain.ts";
import { iptablesOf } from "../../../iptables/table.ts";
import { ifThereIsNftables } from "../../../nft/answer.ts";
import {
  ingressSetsOf,
  missingIngressSets,
  putIngressElements,
  removeIngressElements,
} from "../../../nft/ingress.ts";
import type { Entry } from "../../../nft/ingress-layout.ts";
import type { TableTest } from "../../../nft/table-layout.ts";
import { chainOf, type IngressPart, isElement } from "../../../ruleset/ingress.ts";
import type { Node } from "../../node.ts";
import { forgetZoned, noteZoned, putIntoZone, takeOutOfZone, type Zones } from "./firewalld.ts";
import { hasPassage, isPassable, makePassable, removePassage } from "./forward-chain.ts";

/**
 * The parts among `parts` that are missing, or not whole as `isWhole` says. `zones` reads those of firewalld,
 * where they are asked for. Throws SystemError.
 */
export function missingParts(
  parts: readonly IngressPart[],
  { entry, isWhole, zones }: { entry: Entry; isWhole: TableTest; zones: () => Zones },
  node: Node,
): IngressPart[] {
  const sets = parts.filter(isElement);
  const missing = sets.length === 0 ? [] : missingIngressSets(node.rules, sets, { entry, isWhole });
  return parts.filter((part) => {
    if (part === "zone") return !zones().has(interfaceOf(entry));
    return isElement(part) ? missing.includes(part) : !isPassable(chainOf(part, entry), node);
  });
}

/** The parts of which anything is there. Throws SystemError. */
export function partsToRemove(entry: Entry, node: Node): IngressPart[] {
  const sets =
    ifThereIsNftables(
      () => node.rules,
      (rules) => ingressSetsOf(rules, entry),
    ) ?? [];
  const ways = (["accept4", "accept6"] as const).filter((part) => hasPassage(chainOf(part, entry), node));
  return [...sets.map((set) => (set === "trusted" ? "zone" : set)), ...ways];
}

/**
 * Makes these parts of an entry; `network` is for people who list the rules. The caller holds the node's
 * lock. Throws SystemError and CniError.
 */
export function makeParts(
  parts: readonly IngressPart[],
  { entry, network }: { entry: Entry; network: string },
  node: Node,
): void {
  const elements = parts.filter(isElement).map((set) => ({ set, entry, comment: network }));
  if (elements.length > 0) putIngressElements(node.rules, elements);
  for (const part of parts) {
    if (part === "zone") {
      noteZoned([{ name: interfaceOf(entry), network }], node);
      putIntoZone([interfaceOf(entry)]);
    } else if (!isElement(part)) makePassable(chainOf(part, entry), node);
  }
}

/** Removes parts, and goes on when one stays. The caller holds the node's lock. Throws CniError. */
export function removeParts(parts: readonly IngressPart[], entry: Entry, node: Node): void {
  const sets = parts.filter(isElement);
  const errors = collectErrors([
    () => {
      if (sets.length > 0)
        ifThereIsNftables(
          () => node.rules,
          (rules) => removeIngressElements(rules, sets, entry),
        );
    },
    ...parts.map((part) => () => {
      if (part === "zone") {
        takeOutOfZone(interfaceOf(entry), node);
        forgetZoned(interfaceOf(entry), node);
      } else if (!isElement(part)) removePassage(chainOf(part, entry), node);
    }),
  ]);
  throwJoined(errors);
}

/** The number of rules and elements for which a part counts. */
export function sizeOf(part: IngressPart): number {
  return isElement(part) || part === "zone" ? 1 : forwardUses(false);
}

/** The sentence about a missing part. */
export function missingText(part: IngressPart, entry: Entry, network: string): string {
  if (isElement(part))
    return `the nftables table inet pontoon-ingress, which keeps pods of networks apart, is not whole or lacks ${typeof entry === "number" ? `link group ${entry}` : entry} in its set ${part}`;
  if (part === "zone")
    return `firewalld has ${entry} in none of its zones, so it rejects packets of network ${network}`;
  const { family, name } = chainOf(part, entry);
  return `the ${iptablesOf(family)} chain ${name} in table filter, which lets packets of network ${network} through, is missing or not whole`;
}

/** The name of an interface: a part that is of interfaces alone has no other entry. */
export function interfaceOf(entry: Entry): string {
  return String(entry);
}
