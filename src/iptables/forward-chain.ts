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
// For pods without a bridge `-m devgroup --src-group 0x40ab16cd` stands in the place of `-i cni0`, and
// `--dst-group` in that of `-o cni0`. One rule for all states would do, but `nft list ruleset` shows only
// half of them.
import type { Family } from "../ip/address.ts";
import type { Entry } from "../nft/ingress-layout.ts";
import { FILTER } from "./table.ts";

/** The chain of one entry by which pods' packets come, in one family. */
export interface ForwardChain {
  family: Family;
  entry: Entry;
  /** 27 characters at most; iptables takes 28. */
  name: string;
}

/**
 * The chain in which the reference plugin `firewall` lets an administrator name packets to drop
 * (plugins/meta/firewall).
 */
export const ADMIN_CHAIN = "CNI-ADMIN";

/** The beginnings of these chains' names: the interface follows, or the group in the digits of iptables. */
const OF_INTERFACE = "PONTOON-FWD-";
const OF_GROUP = "PONTOON-GROUP-";

/** The beginning of all these chains' names. */
export const FORWARD_PREFIX = "PONTOON-";

/** The chain of an entry, with the name by which every call finds it again. */
export function forwardChain(family: Family, entry: Entry): ForwardChain {
  const name = typeof entry === "number" ? `${OF_GROUP}${entry.toString(16)}` : `${OF_INTERFACE}${entry}`;
  return { family, entry, name };
}

/** The entry whose chain has this name; undefined for another chain. */
export function entryOfChain(name: string): Entry | undefined {
  if (name.startsWith(OF_INTERFACE)) return name.slice(OF_INTERFACE.length);
  const [, digits] = /^PONTOON-GROUP-([0-9a-f]{1,8})$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

/** The states of connections with packets that a rule lets through. */
export const ANSWERS = ["RELATED", "ESTABLISHED"] as const;
export const TRANSLATED = ["DNAT"] as const;

/** The number of rules in a whole chain and of jumps to it. */
export function forwardUses(hasAdmin: boolean): number {
  return hasAdmin ? 6 : 5;
}

/** The lines that make a chain, for iptables-restore; no part of it exists. */
export function forwardLines({ name, entry }: ForwardChain, hasAdmin: boolean): string[] {
  const [from, to] =
    typeof entry === "number"
      ? [sourceGroupWords(entry), destinationGroupWords(entry)]
      : [`-i ${entry}`, `-o ${entry}`];
  const answers = [ANSWERS, TRANSLATED].map(
    (states) => `-A ${name} ${to} -m conntrack --ctstate ${states.join(",")} -j ACCEPT`,
  );
  return [
    `:${name} - [0:0]`,
    ...(hasAdmin ? [`-A ${name} -j ${ADMIN_CHAIN}`] : []),
    `-A ${name} ${from} -j ACCEPT`,
    ...answers,
    ...[to, from].map((match) => `-I ${FILTER.base} ${match} -j ${name}`),
  ];
}

/** A match of the group of the interface where a packet came in, as iptables shows it. */
export function sourceGroupWords(group: number): string {
  return `-m devgroup --src-group 0x${group.toString(16)}`;
}

/** A match of the group of the interface where a packet goes out, as iptables shows it. */
export function destinationGroupWords(group: number): string {
  return `-m devgroup --dst-group 0x${group.toString(16)}`;
}
