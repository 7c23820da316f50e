// The rulesets that check the pods' source addresses, as data: one table for the pods on bridges and one for
// those without, set elements per attachment. A frame from a pod without a check costs one look-up. With
// macspoofchk it costs two more and a comparison, with ipspoofchk as many and the look-up of its address,
// however many pods there are.
//
//   table bridge pontoon {
//     set guarded { type ifname }                  the host's ends of pods with macspoofchk
//     set source { type ifname . ether_addr }      the MAC address that each of them may send with
//     set addressed { type ifname }                those of pods with ipspoofchk
//     set source4 { type ifname . ipv4_addr }      the addresses that each of them may send from
//     set source6 { type ifname . ipv6_addr }
//     set target6 { typeof iifname . @th,64,128 }  source6 as the addresses that it may answer for
//     set dhcp { type ifname }                     those that may ask a DHCP server without an address
//     chain prerouting { … }
//   }
//
// Where the host's end is no port, a chain of family inet sees what comes into the node as IPv4 or IPv6, and
// one of family arp the rest that the node believes. Together these tables, inet pontoon-source and
// arp pontoon-source, have the same sets and rules, but those of frames to a bridge and of DHCP. Other
// protocols end at such a link: no other pod and no neighbour hears them.
//
// Of a pod with ipspoofchk only what a rule accepts passes. A rule does not match a packet that is too short
// for it, so every rule that a packet could evade by that accepts.
import * as nft from "../netlink/uapi/nf_tables.ts";
import { type Expression, isFamily } from "./expression.ts";
import {
  INTERFACE_NAME_BYTES,
  joined,
  MAC_BYTES_JOINED,
  TYPE_ETHERADDR,
  TYPE_IFNAME,
  TYPE_INTEGER,
  TYPE_IP6ADDR,
  TYPE_IPADDR,
} from "./key.ts";
import { chainMessage, type Hook, rulesMessages, type Table, tableMessage } from "./message.ts";
import { type SetKey, type SetLayout, setMessage } from "./set-message.ts";
import {
  arpClaim,
  arpProbe,
  arpWithOtherMac,
  dhcpRequest,
  type FamilyTest,
  fromOwn,
  fromUnspecified6,
  icmp6,
  isArp,
  isFrameOf,
  isLaterFragment,
  isNotIcmp6,
  MLD2_REPORT,
  ND_ADVERT,
  ND_REDIRECT,
  ND_SOLICIT,
  ownTarget6,
  ROUTER_ADVERT,
  toLinkLocalGroup,
} from "./source-test.ts";
import {
  accept,
  drop,
  interfaceEtherSourceNotIn,
  interfaceIn,
  interfaceNotIn,
  isEthernet,
} from "./statement.ts";
import type { TableLayout, TableRules } from "./table-layout.ts";

const BRIDGE_TABLE: Table = { family: nft.NFPROTO_BRIDGE, name: "pontoon", title: "bridge pontoon" };
const NODE_TABLE: Table = {
  family: nft.NFPROTO_INET,
  name: "pontoon-source",
  title: "inet pontoon-source",
};

const ARP_TABLE: Table = { family: nft.NFPROTO_ARP, name: "pontoon-source", title: "arp pontoon-source" };

export const GUARDED = "guarded";
export const SOURCE = "source";
export const ADDRESSED = "addressed";
export const SOURCE4 = "source4";
export const SOURCE6 = "source6";
export const TARGET6 = "target6";
export const DHCP = "dhcp";
const PREROUTING = "prerouting";
const INPUT = "input";

/** The rules of chain prerouting for all pods whose MAC is checked: on a bridge and without one. */
function macRules(isChecked: Expression[]): Expression[][] {
  return [
    // iifname != @guarded accept
    [...interfaceNotIn(GUARDED), ...accept()],
    // iifname . ether saddr != @source drop
    [...isChecked, ...interfaceEtherSourceNotIn(SOURCE), ...drop()],
  ];
}

/** The rules of a bridge alone that hold without ipspoofchk too. */
function groupRules(): Expression[][] {
  return [
    // ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 drop
    [...toLinkLocalGroup(), ...drop()],
  ];
}

/** The rule behind which are those for pods whose addresses are checked. */
function addressedRules(): Expression[][] {
  return [
    // iifname != @addressed accept
    [...interfaceNotIn(ADDRESSED), ...accept()],
  ];
}

/** The rules for their packets; `isFamily` tells the family of a packet. */
function addressRules(isFamily: FamilyTest): Expression[][] {
  return [
    // iifname . ip saddr @source4 accept
    [...isFamily(4), ...fromOwn(4, SOURCE4), ...accept()],
    // iifname . ip6 saddr @source6 meta l4proto != ipv6-icmp accept
    [...isFamily(6), ...fromOwn(6, SOURCE6), ...isNotIcmp6(), ...accept()],
    // iifname . ip6 saddr @source6 icmpv6 type nd-neighbor-advert iifname . @th,64,128 @target6 accept
    [...isFamily(6), ...fromOwn(6, SOURCE6), ...icmp6(ND_ADVERT), ...ownTarget6(TARGET6), ...accept()],
    // iifname . ip6 saddr @source6 icmpv6 type nd-router-advert drop
    [...isFamily(6), ...fromOwn(6, SOURCE6), ...icmp6(ROUTER_ADVERT), ...drop()],
    // iifname . ip6 saddr @source6 icmpv6 type nd-redirect drop
    [...isFamily(6), ...fromOwn(6, SOURCE6), ...icmp6(ND_REDIRECT), ...drop()],
    // iifname . ip6 saddr @source6 icmpv6 type != nd-neighbor-advert accept
    [...isFamily(6), ...fromOwn(6, SOURCE6), ...icmp6(ND_ADVERT, nft.NFT_CMP_NEQ), ...accept()],
    // iifname . ip6 saddr @source6 meta l4proto ipv6-icmp frag frag-off != 0 accept
    [...isFamily(6), ...fromOwn(6, SOURCE6), ...isLaterFragment(), ...accept()],
    // ip6 saddr :: icmpv6 type nd-neighbor-solicit iifname . @th,64,128 @target6 accept
    [...isFamily(6), ...fromUnspecified6(), ...icmp6(ND_SOLICIT), ...ownTarget6(TARGET6), ...accept()],
    // ip6 saddr :: icmpv6 type mld2-listener-report accept
    [...isFamily(6), ...fromUnspecified6(), ...icmp6(MLD2_REPORT), ...accept()],
  ];
}

/** The rules for their ARP; `isArp` tells it from other packets. */
function claimRules(isArp: Expression[]): Expression[][] {
  return [
    // iifname . arp saddr ether != @source drop
    [...isArp, ...arpWithOtherMac(SOURCE), ...drop()],
    // arp hlen 6 arp plen 4 iifname . arp saddr ip @source4 accept
    [...isArp, ...arpClaim(SOURCE4), ...accept()],
    // arp hlen 6 arp plen 4 arp saddr ip 0.0.0.0 iifname . arp daddr ip @source4 accept
    [...isArp, ...arpProbe(SOURCE4), ...accept()],
  ];
}

/** The rule for what a pod may send before it has an address, on a bridge with a DHCP server. */
function dhcpRules(): Expression[][] {
  return [
    // iifname @dhcp ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
    [...interfaceIn(DHCP), ...dhcpRequest(), ...accept()],
  ];
}

/** The rules of a bridge, before it learns or forwards anything. Each chain ends with `drop`. */
function bridgeRules(): Expression[][] {
  const own = [...addressRules(isFrameOf), ...claimRules(isArp()), ...dhcpRules()];
  return [...macRules([]), ...groupRules(), ...addressedRules(), ...own, drop()];
}

/** The rules of the node, before it reassembles or tracks anything. */
function nodeRules(): Expression[][] {
  return [...macRules(isEthernet()), ...addressedRules(), ...addressRules(isFamily), drop()];
}

/** The rules of the node for ARP, before it answers or believes anything. */
function arpRules(): Expression[][] {
  return [...addressedRules(), ...claimRules([]), drop()];
}

const INTERFACE: SetKey = { type: TYPE_IFNAME, length: INTERFACE_NAME_BYTES, inHostOrder: true };

/**
 * The user data that nft 1.0.6 keeps for `typeof iifname . @th,64,128` (NFTNL_UDATA_SET_KEY_TYPEOF). No type
 * of nft's fits a target address: it has no name for that field, and does not take a raw field for an
 * address.
 */
// biome-ignore format: one expression a line.
const INTERFACE_AND_TARGET = Uint8Array.of(
  0x03, 0x40, 0x00, 0x04, 0x0d, 0x00, 0x00, 0x00, 0x01, 0x38,
  0x00, 0x0e, 0x00, 0x04, 0x09, 0x00, 0x00, 0x00, 0x01, 0x06, 0x00, 0x04, 0x06, 0x00, 0x00, 0x00,
  0x01, 0x26, 0x00, 0x04, 0x07, 0x00, 0x00, 0x00, 0x01, 0x1e, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00,
  0x01, 0x04, 0x00, 0x00, 0x00, 0x00, 0x02, 0x04, 0x03, 0x00, 0x00, 0x00, 0x03, 0x04, 0x40, 0x00,
  0x00, 0x00, 0x04, 0x04, 0x80, 0x00, 0x00, 0x00,
);

const SETS: readonly SetLayout[] = [
  { name: GUARDED, key: INTERFACE },
  { name: SOURCE, key: interfaceAnd(TYPE_ETHERADDR, MAC_BYTES_JOINED) },
  { name: ADDRESSED, key: INTERFACE },
  { name: SOURCE4, key: interfaceAnd(TYPE_IPADDR, 4) },
  { name: SOURCE6, key: interfaceAnd(TYPE_IP6ADDR, 16) },
  { name: TARGET6, key: { ...interfaceAnd(TYPE_INTEGER, 16), expression: INTERFACE_AND_TARGET } },
  { name: DHCP, key: INTERFACE },
];

function interfaceAnd(type: number, length: number): SetKey {
  return { type: joined(TYPE_IFNAME, type), length: INTERFACE_NAME_BYTES + length, inHostOrder: false };
}

/** A table of source checks. Each attachment with a check has its elements in one. */
export interface SpoofTable {
  layout: TableLayout;
  /** The names of its sets. */
  sets: readonly string[];
}

/** The table for host's ends that are ports of a bridge. */
export const BRIDGE_CHECK: SpoofTable = spoofTable(BRIDGE_TABLE, {
  sets: SETS,
  chain: PREROUTING,
  hook: { type: "filter", number: nft.NF_BR_PRE_ROUTING, priority: nft.NF_BR_PRI_NAT_DST_BRIDGED },
  // Before ipspoofchk the chain had one rule: iifname @guarded iifname . ether saddr != @source drop
  earlier: [[[PREROUTING, 1]]],
  rules: bridgeRules,
});

/**
 * The table for host's ends on no bridge. Its place is before fragments are put together, at -400
 * (NF_IP_PRI_CONNTRACK_DEFRAG), so that none from a false address waits for others.
 */
export const NODE_CHECK: SpoofTable = spoofTable(NODE_TABLE, {
  sets: SETS.filter(({ name }) => name !== DHCP),
  chain: PREROUTING,
  hook: { type: "filter", number: nft.NF_INET_PRE_ROUTING, priority: nft.NF_IP_PRI_RAW_BEFORE_DEFRAG },
  earlier: [],
  rules: nodeRules,
});

/** The table for what these say by ARP; a pod whose addresses are not checked has no elements here. */
export const ARP_CHECK: SpoofTable = spoofTable(ARP_TABLE, {
  sets: SETS.filter(({ name }) => [SOURCE, ADDRESSED, SOURCE4].includes(name)),
  chain: INPUT,
  hook: { type: "filter", number: nft.NF_ARP_IN, priority: 0 },
  earlier: [],
  rules: arpRules,
});

interface SpoofTableParts {
  sets: readonly SetLayout[];
  chain: string;
  hook: Hook;
  earlier: readonly TableRules[];
  rules: () => Expression[][];
}

function spoofTable(table: Table, { sets, chain, hook, earlier, rules }: SpoofTableParts): SpoofTable {
  return {
    sets: sets.map(({ name }) => name),
    layout: {
      table,
      rules: [[chain, rules().length]],
      earlier,
      tableMessages: () => [
        tableMessage(table),
        ...sets.map((set, at) => setMessage(table, set, at + 1)),
        chainMessage(table, chain, hook),
      ],
      ruleMessages: () => rulesMessages(table, chain, rules()),
    },
  };
}
