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
import type { Expression } from "./expression.ts";
import { chainMessage, type Hook, rulesMessages, type Table, tableMessage } from "./message.ts";
import {
  addressAndPortVerdict,
  clearMark,
  destinationVerdict,
  goto,
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
import { mapMessage } from "./set-message.ts";
import type { TableLayout } from "./table-layout.ts";

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

/**
 * The rules of chain guard (type filter hook prerouting priority raw; policy accept). Without them
 * route_localnet would let other hosts reach programs that listen on 127.0.0.1.
 */
function guardRules(): Expression[][] {
  return [
    // iifname "lo" accept
    acceptFrom("lo"),
    // ip daddr 127.0.0.0/8 drop
    dropAddressed("daddr", LOCALHOST),
    // ip saddr 127.0.0.0/8 drop
    dropAddressed("saddr", LOCALHOST),
  ];
}

/** The rules of chain hostports. The mark tells chain postrouting that this table translated the packet. */
function markingRules(bit: number): Expression[][] {
  return [
    // meta mark set meta mark | 0x00002000
    setMark(bit),
    // ip daddr . meta l4proto . th dport vmap @where-one4
    addressAndPortVerdict(4, "where-one4"),
    // ip daddr . meta l4proto . th dport vmap @where-range4
    addressAndPortVerdict(4, "where-range4"),
    // meta nfproto ipv4 meta l4proto . th dport vmap @where-any4
    portVerdict(4, "where-any4"),
    // ip6 daddr . meta l4proto . th dport vmap @where-one6
    addressAndPortVerdict(6, "where-one6"),
    // ip6 daddr . meta l4proto . th dport vmap @where-range6
    addressAndPortVerdict(6, "where-range6"),
    // meta nfproto ipv6 meta l4proto . th dport vmap @where-any6
    portVerdict(6, "where-any6"),
    // goto translate
    goto(TRANSLATE),
  ];
}

/** The rules of chain translate. */
function translatingRules(): Expression[][] {
  return [
    // dnat ip to ip daddr . meta l4proto . th dport map @one4
    translateAddressAndPort(4, "one4"),
    // dnat ip to ip daddr . meta l4proto . th dport map @range4
    translateAddressAndPort(4, "range4", true),
    // meta nfproto ipv4 dnat ip to meta l4proto . th dport map @any4
    translatePort(4, "any4"),
    // ip6 daddr ::1 goto unmark
    gotoFor({ family: 6, value: 1n }, UNMARK),
    // dnat ip6 to ip6 daddr . meta l4proto . th dport map @one6
    translateAddressAndPort(6, "one6"),
    // dnat ip6 to ip6 daddr . meta l4proto . th dport map @range6
    translateAddressAndPort(6, "range6", true),
    // meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @any6
    translatePort(6, "any6"),
    // goto unmark
    goto(UNMARK),
  ];
}

/** The rule of chain unmark. */
function unmarkingRules(bit: number): Expression[][] {
  return [
    // meta mark set meta mark & 0xffffdfff
    clearMark(bit),
  ];
}

/**
 * The rule of the chains prerouting (type nat hook prerouting priority dstnat) and output (type nat hook
 * output priority -100).
 */
function localRules(bit: number): Expression[][] {
  return [
    // fib daddr type local goto hostports-13
    gotoForLocal(HOSTPORTS + bit),
  ];
}

/**
 * The rules of chain postrouting (type nat hook postrouting priority srcnat - 1), which comes before all
 * others that masquerade.
 */
function hairpinRules(bit: number): Expression[][] {
  return [
    // meta mark & 0x00002000 == 0x00002000 ct status dnat ip daddr vmap @hairpin4
    [...isMarkedAndTranslated(bit), ...destinationVerdict(4, "hairpin4")],
    // meta mark & 0x00002000 == 0x00002000 ct status dnat ip6 daddr vmap @hairpin6
    [...isMarkedAndTranslated(bit), ...destinationVerdict(6, "hairpin6")],
  ];
}

interface Chain {
  name: string;
  hook?: Hook;
  rules: Expression[][];
}

/** All chains but those of networks. A chain comes after the chains that its rules lead to. */
function chains(bit: number): Chain[] {
  const hook = (type: Hook["type"], number: number, priority: number): Hook => ({ type, number, priority });
  return [
    { name: GUARD.chain, hook: hook("filter", nft.NF_INET_PRE_ROUTING, -300), rules: guardRules() },
    { name: UNMARK, rules: unmarkingRules(bit) },
    { name: TRANSLATE, rules: translatingRules() },
    { name: HOSTPORTS + bit, rules: markingRules(bit) },
    { name: "postrouting", hook: hook("nat", nft.NF_INET_POST_ROUTING, 99), rules: hairpinRules(bit) },
    { name: "prerouting", hook: hook("nat", nft.NF_INET_PRE_ROUTING, -100), rules: localRules(bit) },
    { name: "output", hook: hook("nat", nft.NF_INET_LOCAL_OUT, -100), rules: localRules(bit) },
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
  return {
    table: PORT_TABLE,
    rules: RULES.map(([chain, count]) => [chain === HOSTPORTS ? HOSTPORTS + bit : chain, count]),
    tableMessages: () => [
      tableMessage(PORT_TABLE),
      ...portMaps().map((map, index) => mapMessage(PORT_TABLE, map, index + 1)),
      ...chains(bit).map(({ name, hook }) => chainMessage(PORT_TABLE, name, hook)),
    ],
    ruleMessages: () => chains(bit).flatMap(({ name, rules }) => rulesMessages(PORT_TABLE, name, rules)),
  };
}
