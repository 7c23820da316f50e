// The chain that lets packets of a network's pods through a firewall of iptables, in table filter. FORWARD
// leads there first, so every rule or policy that drops comes after it. New connections from outside to pods
// are not let through, except to host ports: a firewall that drops them does so on purpose.
//
//   -A FORWARD -i cni0 -j PONTOON-FWD-cni0
//   -A FORWARD -o cni0 -j PONTOON-FWD-cni0
//   -A PONTOON-FWD-cni0 -j CNI-ADMIN            (where the administrator has such a chain)
//   -A PONTOON-FWD-cni0 -i cni0 -j ACCEPT
//   -A PONTOON-FWD-cni0 -o cni0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
//   -A PONTOON-FWD-cni0 -o cni0 -m conntrack --ctstate DNAT -j ACCEPT
//
// One rule for all states would do, but `nft list ruleset` shows only half of them.
import type { Family } from "../ip/address.ts";
import { FILTER } from "./table.ts";

/** The chain of one interface by which pods' packets come, in one family. */
export interface ForwardChain {
  family: Family;
  interfaceName: string;
  /** 27 characters at most; iptables takes 28. */
  name: string;
}

/**
 * The chain in which the reference plugin `firewall` lets an administrator name packets to drop
 * (plugins/meta/firewall).
 */
export const ADMIN_CHAIN = "CNI-ADMIN";

/** The prefix of these chains' names; the interface follows. */
export const FORWARD_PREFIX = "PONTOON-FWD-";

export function forwardChain(family: Family, interfaceName: string): ForwardChain {
  return { family, interfaceName, name: `${FORWARD_PREFIX}${interfaceName}` };
}

/** The states of connections with packets that a rule lets through. */
export const ANSWERS = ["RELATED", "ESTABLISHED"] as const;
export const TRANSLATED = ["DNAT"] as const;

/** The number of rules in a whole chain and of jumps to it. */
export function forwardUses(hasAdmin: boolean): number {
  return hasAdmin ? 6 : 5;
}

/** The lines that make a chain, for iptables-restore; no part of it exists. */
export function forwardLines({ name, interfaceName }: ForwardChain, hasAdmin: boolean): string[] {
  const answers = [ANSWERS, TRANSLATED].map(
    (states) => `-A ${name} -o ${interfaceName} -m conntrack --ctstate ${states.join(",")} -j ACCEPT`,
  );
  return [
    `:${name} - [0:0]`,
    ...(hasAdmin ? [`-A ${name} -j ${ADMIN_CHAIN}`] : []),
    `-A ${name} -i ${interfaceName} -j ACCEPT`,
    ...answers,
    ...["-o", "-i"].map((direction) => `-I ${FILTER.base} ${direction} ${interfaceName} -j ${name}`),
  ];
}
