// The ruleset of host ports, as data: a table of its own that comes with the node's first host port, map
// elements per attachment. The first packet of a connection to one of the node's own addresses costs six
// look-ups of its family at most, however many pods there are; all others cost none.
//
//   table inet pontoon-ports {
//     map one4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service }
//                                       a port of one of the node's addresses : pod address and port
//     map range4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr; flags interval }
//                                       ports in a row that keep their numbers : pod address
//     map any4 { type inet_proto . inet_service : ipv4_addr . inet_service }
//                                       a port of all of the node's addresses : pod address and port
//     map hairpin4 { type ipv4_addr : verdict }
//                                       pod address : goto the chain of its network, for connections that
//                                       came by a host port
//     map one6, range6, any6, hairpin6  like these, for IPv6
//     map where-one4, where-range4, …   keys of one4, range4, … that have conditions : goto their chain
//     chain guard { … }                 localhost stays closed although bridges have route_localnet
//     chain prerouting, output, postrouting { … }
//     chain hostports-<number of the mark's bit> { … }
//     chain translate, unmark { … }
//     chain where4-<hash of the conditions>, where6-… { … }
//     chain net-<network>-<hash of its subnets> { … }
//   }
import type { Prefix } from "../ip/prefix.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { RuleCounts } from "./answer.ts";
import type { Rule } from "./expression.ts";
import type { Hook, Table } from "./message.ts";
import {
  addressAndPortVerdict,
  clearMark,
  destinationVerdict,
  gotoFor,
  gotoForLocal,
  isMarkedAndTranslated,
  portVerdict,
  setMark,
  translateAddressAndPort,
  translatePort,
} from "./nat-expression.ts";
import { acceptFrom, dropAddressed } from "./packet-test.ts";
import { portMaps } from "./port-map.ts";
import { goTo } from "./statement.ts";
import { type ChainLayout, type TableLayout, tableLayout } from "./table-layout.ts";

export const PORT_TABLE: Table = {
  family: nft.NFPROTO_INET,
  name: "pontoon-ports",
  title: "inet pontoon-ports",
};

/** The addresses by which a node speaks to itself. */
export const LOCALHOST: Prefix = { address: { family: 4, value: 0x7f000000n }, length: 8 };

/** The chain that keeps localhost closed, and the number of its rules. */
export const GUARD = { chain: "guard", rules: 3 };

const HOSTPORTS = "hostports-";
export const TRANSLATE = "translate";
export const UNMARK = "unmark";

/** The bit that the rules mark with that were counted; undefined when no chain marks. */
export function markBitOf(counts: RuleCounts): number | undefined {
  for (const chain of counts.keys())
    if (chain.startsWith(HOSTPORTS)) return Number(chain.slice(HOSTPORTS.length));
  return undefined;
}

/** The rules without which route_localnet would let other hosts reach programs that listen on 127.0.0.1. */
function guardRules(): Rule[] {
  return [[acceptFrom("lo")], [dropAddressed("daddr", LOCALHOST)], [dropAddressed("saddr", LOCALHOST)]];
}

/** The rules of chain hostports. The mark tells chain postrouting that this table translated the packet. */
function markingRules(bit: number): Rule[] {
  return [
    [setMark(bit)],
    [addressAndPortVerdict(4, "where-one4")],
    [addressAndPortVerdict(4, "where-range4")],
    [portVerdict(4, "where-any4")],
    [addressAndPortVerdict(6, "where-one6")],
    [addressAndPortVerdict(6, "where-range6")],
    [portVerdict(6, "where-any6")],
    [goTo(TRANSLATE)],
  ];
}

/** The rules of chain translate. */
function translatingRules(): Rule[] {
  return [
    [translateAddressAndPort(4, "one4")],
    [translateAddressAndPort(4, "range4", true)],
    [translatePort(4, "any4")],
    [gotoFor({ family: 6, value: 1n }, UNMARK)],
    [translateAddressAndPort(6, "one6")],
    [translateAddressAndPort(6, "range6", true)],
    [translatePort(6, "any6")],
    [goTo(UNMARK)],
  ];
}

/** The rule of chain unmark. */
function unmarkingRules(bit: number): Rule[] {
  return [[clearMark(bit)]];
}

/** The rule of the chains prerouting and output. */
function localRules(bit: number): Rule[] {
  return [[gotoForLocal(HOSTPORTS + bit)]];
}

/** The rules of chain postrouting, which comes before all others that masquerade. */
function hairpinRules(bit: number): Rule[] {
  return [
    [isMarkedAndTranslated(bit), destinationVerdict(4, "hairpin4")],
    [isMarkedAndTranslated(bit), destinationVerdict(6, "hairpin6")],
  ];
}

const HOOKS = {
  guard: {
    type: "filter",
    number: nft.NF_INET_PRE_ROUTING,
    priority: -300,
    text: "prerouting priority raw",
  },
  postrouting: {
    type: "nat",
    number: nft.NF_INET_POST_ROUTING,
    priority: 99,
    text: "postrouting priority srcnat - 1",
  },
  prerouting: {
    type: "nat",
    number: nft.NF_INET_PRE_ROUTING,
    priority: -100,
    text: "prerouting priority dstnat",
  },
  output: { type: "nat", number: nft.NF_INET_LOCAL_OUT, priority: -100, text: "output priority -100" },
} as const satisfies Record<string, Hook>;

/** All chains but those of networks. A chain comes after the chains that its rules lead to. */
function chains(bit: number): ChainLayout[] {
  return [
    { name: GUARD.chain, hook: HOOKS.guard, rules: guardRules() },
    { name: UNMARK, rules: unmarkingRules(bit) },
    { name: TRANSLATE, rules: translatingRules() },
    { name: HOSTPORTS + bit, rules: markingRules(bit) },
    { name: "postrouting", hook: HOOKS.postrouting, rules: hairpinRules(bit) },
    { name: "prerouting", hook: HOOKS.prerouting, rules: localRules(bit) },
    { name: "output", hook: HOOKS.output, rules: localRules(bit) },
  ];
}

/**
 * How many rules each of these chains has. An ADD compares the numbers, and need not make the rules for it.
 */
const RULES: readonly (readonly [chain: string, count: number])[] = [
  [GUARD.chain, GUARD.rules],
  [UNMARK, 1],
  [TRANSLATE, 8],
  [HOSTPORTS, 8],
  ["postrouting", 2],
  ["prerouting", 1],
  ["output", 1],
];

/** The table of a node whose packets are marked with this bit. */
export function portLayout(bit: number): TableLayout {
  return tableLayout({
    table: PORT_TABLE,
    rules: RULES.map(([chain, count]) => [chain === HOSTPORTS ? HOSTPORTS + bit : chain, count]),
    maps: portMaps,
    chains: () => chains(bit),
  });
}
