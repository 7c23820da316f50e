// The chain by which packets of a network's pods are let through a firewall of iptables, in table filter.
// FORWARD leads there first, so whatever drops comes after it: a policy, or a rule at the end. New
// connections to pods from outside are not let through, but for those to host ports: who drops them means to.
//
//   -A FORWARD -i cni0 -j PONTOON-FWD-cni0
//   -A FORWARD -o cni0 -j PONTOON-FWD-cni0
//   -A PONTOON-FWD-cni0 -j CNI-ADMIN            (where the administrator has such a chain)
//   -A PONTOON-FWD-cni0 -i cni0 -j ACCEPT
//   -A PONTOON-FWD-cni0 -o cni0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
//   -A PONTOON-FWD-cni0 -o cni0 -m conntrack --ctstate DNAT -j ACCEPT
//
// States in one rule would do, but `nft list ruleset` shows such a rule without half of them.
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
 * Where the reference plugin `firewall` lets an administrator say what is dropped all the same
 * (plugins/meta/firewall).
 */
export const ADMIN_CHAIN = "CNI-ADMIN";

/** What the names of these chains start with; the interface follows. */
export const FORWARD_PREFIX = "PONTOON-FWD-";

export function forwardChain(family: Family, interfaceName: string): ForwardChain {
  return { family, interfaceName, name: `${FORWARD_PREFIX}${interfaceName}` };
}

/** What a rule lets through, beyond the interface: everything, or packets of connections in such a state. */
export const ANSWERS = ["RELATED", "ESTABLISHED"] as const;
export const TRANSLATED = ["DNAT"] as const;

/** How many rules a chain holds, and how many lead to it, when it is whole. */
export function forwardUses(hasAdmin: boolean): number {
  return hasAdmin ? 6 : 5;
}

/** What makes a chain, for iptables-restore; nothing of it is there. */
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
