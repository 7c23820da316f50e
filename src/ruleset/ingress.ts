// The parts of an ingress policy: what a pod with it needs of tables of packet rules and of firewalls.
import { type ForwardChain, forwardChain } from "../iptables/forward-chain.ts";
import type { Entry, IngressSet } from "../nft/ingress-layout.ts";
import type { IngressPolicyStep } from "../plan/step.ts";

/**
 * A part: a place of the entry in a set of Pontoon's own table; a way for its packets through iptables, in
 * one family; or a way through firewalld, which knows interfaces alone.
 */
export type IngressPart = Exclude<IngressSet, "trusted"> | "accept4" | "accept6" | "zone";

/** The parts that a pod with this policy and addresses of these families needs. */
export function partsOf({
  policy,
  families,
  group,
}: Pick<IngressPolicyStep, "policy" | "families" | "group">): IngressPart[] {
  const ways: IngressPart[] =
    families.length === 0 ? [] : [...families.map((family): IngressPart => `accept${family}`), "zone"];
  return [...(group === undefined ? SETS_OF_INTERFACE : SETS_OF_GROUP)[policy], ...ways];
}

const SETS_OF_INTERFACE: Record<IngressPolicyStep["policy"], IngressPart[]> = {
  open: [],
  "same-bridge": ["networks", "together"],
  isolated: ["networks", "apart"],
};

const SETS_OF_GROUP: Record<IngressPolicyStep["policy"], IngressPart[]> = {
  open: [],
  "same-bridge": ["groups", "together-groups"],
  isolated: ["groups"],
};

/** True for a part that is an element of Pontoon's own table. */
export function isElement(part: IngressPart): part is Exclude<IngressSet, "trusted"> {
  return part !== "accept4" && part !== "accept6" && part !== "zone";
}

/** The chain that is the way through iptables of an entry. */
export function chainOf(part: "accept4" | "accept6", entry: Entry): ForwardChain {
  return forwardChain(part === "accept4" ? 4 : 6, entry);
}
