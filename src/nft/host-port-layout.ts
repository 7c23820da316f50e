// The ruleset of host ports, as data: a table of its own that comes with the node's first host port, map
// elements per attachment. The first packet of a connection to one of the node's own addresses costs six
// look-ups of its family at most, however many pods there are; all others cost none.
//
//   table inet pontoon-ports {
//     map one4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service }    a port of one of the node's addresses
//     map range4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr; flags interval } ports in a row that stay the same
//     map any4 { type inet_proto . inet_service : ipv4_addr . inet_service }                a port of all of them
//     map hairpin4 { type ipv4_addr : verdict }       pod address : goto the chain of its network, for who came by a host port
//     map one6, range6, any6, hairpin6                the same
//     map where-one4, where-range4, …                 those of one4, range4, … that have conditions : goto the chain of these
//     chain guard { … }                               localhost stays closed although bridges have route_localnet
//     chain prerouting, output, postrouting { … }
//     chain hostports-<number of the mark's bit> { … }
//     chain translate, unmark { … }
//     chain where4-<hash of the conditions>, where6-… { … }
//     chain net-<network>-<hash of its subnets> { … }
//   }
import { hasFamily, type Prefix } from "../ip/prefix.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { RuleCounts } from "./answer.ts";
import { type Expression, masquerade } from "./expression.ts";
import { joined, TYPE_INET_PROTOCOL, TYPE_INET_SERVICE, TYPE_IP6ADDR, TYPE_IPADDR } from "./key.ts";
import { networkChain } from "./layout.ts";
import {
  chainMessage,
  type Hook,
  type MapLayout,
  mapMessage,
  rulesMessages,
  type Table,
  tableMessage,
} from "./message.ts";
import {
  acceptFrom,
  addressAndPortVerdict,
  clearMark,
  destinationVerdict,
  dropAddressed,
  goto,
  gotoFor,
  gotoForLocal,
  isMarkedAndTranslated,
  masqueradeFrom,
  portVerdict,
  setMark,
  translateAddressAndPort,
  translatePort,
} from "./nat-expression.ts";
import { conditionMap } from "./port-element.ts";
import type { SharedChain, TableLayout } from "./table-layout.ts";

export const PORT_TABLE: Table = {
  family: nft.NFPROTO_INET,
  name: "pontoon-ports",
  title: "inet pontoon-ports",
};

/** Length of a protocol, and of a port, in a key or a value: each fills up a register. */
const REGISTER = 4;

/** The maps that give an address, and a port where it is another one. */
function valueMaps(): MapLayout[] {
  return [
    { suffix: 4, type: TYPE_IPADDR, length: 4 },
    { suffix: 6, type: TYPE_IP6ADDR, length: 16 },
  ].flatMap(({ suffix, type, length }) => {
    const addressKey = {
      type: joined(joined(type, TYPE_INET_PROTOCOL), TYPE_INET_SERVICE),
      length: length + 2 * REGISTER,
    };
    const addressAndPort = { type: joined(type, TYPE_INET_SERVICE), length: length + REGISTER };
    return [
      { name: `one${suffix}`, key: addressKey, value: addressAndPort },
      // Lengths of the parts: of a protocol one byte counts, of a port two.
      { name: `range${suffix}`, key: addressKey, value: { type, length }, intervalFields: [length, 1, 2] },
      {
        name: `any${suffix}`,
        key: { type: joined(TYPE_INET_PROTOCOL, TYPE_INET_SERVICE), length: 2 * REGISTER },
        value: addressAndPort,
      },
    ];
  });
}

const HAIRPIN_MAPS: MapLayout[] = [
  { name: "hairpin4", key: { type: TYPE_IPADDR, length: 4 } },
  { name: "hairpin6", key: { type: TYPE_IP6ADDR, length: 16 } },
];

/** All maps. */
function portMaps(): MapLayout[] {
  const maps = valueMaps();
  return [
    ...maps,
    ...maps.map(({ name, key, intervalFields }) => ({ name: conditionMap(name), key, intervalFields })),
    ...HAIRPIN_MAPS,
  ];
}

/** The names of all maps. */
export function portMapNames(): string[] {
  return portMaps().map(({ name }) => name);
}

const LOCALHOST: Prefix = { address: { family: 4, value: 0x7f000000n }, length: 8 };

const HOSTPORTS = "hostports-";
export const TRANSLATE = "translate";
export const UNMARK = "unmark";

/** The bit that the table marks with whose rules were counted; undefined when it has no chain that marks. */
export function markBitOf(counts: RuleCounts): number | undefined {
  for (const chain of counts.keys())
    if (chain.startsWith(HOSTPORTS)) return Number(chain.slice(HOSTPORTS.length));
  return undefined;
}

/**
 * The rules of chain guard (type filter hook prerouting priority raw; policy accept): with route_localnet
 * others could reach what listens on 127.0.0.1.
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

/** The rules of chain hostports. The mark tells chain postrouting that it was us who translated. */
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

/** All chains but those of networks, each after those that its rules lead to. */
function chains(bit: number): Chain[] {
  const hook = (type: Hook["type"], number: number, priority: number): Hook => ({ type, number, priority });
  return [
    { name: "guard", hook: hook("filter", nft.NF_INET_PRE_ROUTING, -300), rules: guardRules() },
    { name: UNMARK, rules: unmarkingRules(bit) },
    { name: TRANSLATE, rules: translatingRules() },
    { name: HOSTPORTS + bit, rules: markingRules(bit) },
    { name: "postrouting", hook: hook("nat", nft.NF_INET_POST_ROUTING, 99), rules: hairpinRules(bit) },
    { name: "prerouting", hook: hook("nat", nft.NF_INET_PRE_ROUTING, -100), rules: localRules(bit) },
    { name: "output", hook: hook("nat", nft.NF_INET_LOCAL_OUT, -100), rules: localRules(bit) },
  ];
}

/** How many rules each of them has: an ADD compares the numbers and does not make the rules for that. */
const RULES: readonly (readonly [chain: string, count: number])[] = [
  ["guard", 3],
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

/**
 * Who gets the node's address when it comes by a host port: who could not understand the answer otherwise, or
 * everybody.
 */
export interface HairpinChain {
  name: string;
  /** Undefined: everybody. */
  subnets: Prefix[] | undefined;
}

/** The chain of a network whose pods have host ports. Without `subnets` everybody is masqueraded. */
export function hairpinChain(network: string, subnets: Prefix[] | undefined): HairpinChain {
  const { name, subnets: sorted } = networkChain(network, subnets ?? []);
  return { name, subnets: subnets === undefined ? undefined : sorted };
}

/**
 * The rules of a network's chain. From localhost an answer would never find back, and a pod that gets an
 * answer over the bridge from another pod than it asked does not know what it is about.
 */
function masqueradingRules({ subnets }: HairpinChain): Expression[][] {
  if (subnets === undefined) return [masquerade()];
  const local = hasFamily(subnets, 4) ? [LOCALHOST] : [];
  // ip saddr 127.0.0.0/8 masquerade fully-random ip saddr 10.1.0.0/24 masquerade fully-random            for
  // each subnet, and ip6 saddr fd01::/64 masquerade fully-random
  return [...local, ...subnets].map((prefix) => masqueradeFrom(prefix, masquerade()));
}

/** The chain as something that the network's attachments share. */
export function sharedHairpinChain(chain: HairpinChain): SharedChain {
  const { name } = chain;
  return {
    name,
    rules: hairpinRuleCount(chain),
    messages: () => [
      chainMessage(PORT_TABLE, name),
      ...rulesMessages(PORT_TABLE, name, masqueradingRules(chain)),
    ],
  };
}

function hairpinRuleCount({ subnets }: HairpinChain): number {
  if (subnets === undefined) return 1;
  return hasFamily(subnets, 4) ? subnets.length + 1 : subnets.length;
}
