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
import type { Rule, Statement } from "./expression.ts";
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
import type { Hook, Table } from "./message.ts";
import type { SetKey, SetLayout } from "./set-message.ts";
import {
  arpClaim,
  arpQuestion,
  arpWithOtherMac,
  dhcpRequest,
  type FamilyTest,
  fromOwn,
  fromUnspecified6,
  icmp6,
  isArp,
  isArpOfIpv4,
  isArpProbe,
  isFrameOf,
  isLaterFragment,
  isNotIcmp6,
  isPacketOf,
  MLD2_REPORT,
  ND_ADVERT,
  ND_REDIRECT,
  ND_SOLICIT,
  otherIcmp6,
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
import { type TableLayout, type TableRules, tableLayout } from "./table-layout.ts";

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
function macRules(isChecked: Statement[]): Rule[] {
  return [
    [interfaceNotIn(GUARDED), accept()],
    [...isChecked, interfaceEtherSourceNotIn(SOURCE), drop()],
  ];
}

/** The rules of a bridge alone that hold without ipspoofchk too. */
function groupRules(): Rule[] {
  return [[toLinkLocalGroup(), drop()]];
}

/** The rule behind which are those for pods whose addresses are checked. */
function addressedRules(): Rule[] {
  return [[interfaceNotIn(ADDRESSED), accept()]];
}

/** The rules for their packets; `isFamily` tells the family of a packet. */
function addressRules(isFamily: FamilyTest): Rule[] {
  return [
    [isFamily(4), fromOwn(4, SOURCE4), accept()],
    [isFamily(6), fromOwn(6, SOURCE6), isNotIcmp6(), accept()],
    [isFamily(6), fromOwn(6, SOURCE6), icmp6(ND_ADVERT), ownTarget6(TARGET6), accept()],
    [isFamily(6), fromOwn(6, SOURCE6), icmp6(ROUTER_ADVERT), drop()],
    [isFamily(6), fromOwn(6, SOURCE6), icmp6(ND_REDIRECT), drop()],
    [isFamily(6), fromOwn(6, SOURCE6), otherIcmp6(ND_ADVERT), accept()],
    [isFamily(6), fromOwn(6, SOURCE6), isLaterFragment(), accept()],
    [isFamily(6), fromUnspecified6(), icmp6(ND_SOLICIT), ownTarget6(TARGET6), accept()],
    [isFamily(6), fromUnspecified6(), icmp6(MLD2_REPORT), accept()],
  ];
}

/** The rules for their ARP; `isArp` tells it from other packets. */
function claimRules(isArp: Statement[]): Rule[] {
  return [
    [...isArp, arpWithOtherMac(SOURCE), drop()],
    [...isArp, isArpOfIpv4(), arpClaim(SOURCE4), accept()],
    [...isArp, isArpOfIpv4(), isArpProbe(), arpQuestion(SOURCE4), accept()],
  ];
}

/** The rule for what a pod may send before it has an address, on a bridge with a DHCP server. */
function dhcpRules(): Rule[] {
  return [[interfaceIn(DHCP), isFrameOf(4), dhcpRequest(), accept()]];
}

/** The rules of a bridge, before it learns or forwards anything. Each chain ends with `drop`. */
function bridgeRules(): Rule[] {
  const own = [...addressRules(isFrameOf), ...claimRules([isArp()]), ...dhcpRules()];
  return [...macRules([]), ...groupRules(), ...addressedRules(), ...own, [drop()]];
}

/** The rules of the node, before it reassembles or tracks anything. */
function nodeRules(): Rule[] {
  return [...macRules([isEthernet()]), ...addressedRules(), ...addressRules(isPacketOf), [drop()]];
}

/** The rules of the node for ARP, before it answers or believes anything. */
function arpRules(): Rule[] {
  return [...addressedRules(), ...claimRules([]), [drop()]];
}

const INTERFACE: SetKey = { type: TYPE_IFNAME, length: INTERFACE_NAME_BYTES, inHostOrder: true };

/**
 * The key `typeof iifname . @th,64,128` with the user data that nft 1.0.6 keeps for it
 * (NFTNL_UDATA_SET_KEY_TYPEOF). No type of nft's fits a target address: it has no name for that field, and
 * does not take a raw field for an address.
 */
// biome-ignore format: one expression a line.
const INTERFACE_AND_TARGET = { text: "iifname . @th,64,128", userData: Uint8Array.of(
  0x03, 0x40, 0x00, 0x04, 0x0d, 0x00, 0x00, 0x00, 0x01, 0x38,
  0x00, 0x0e, 0x00, 0x04, 0x09, 0x00, 0x00, 0x00, 0x01, 0x06, 0x00, 0x04, 0x06, 0x00, 0x00, 0x00,
  0x01, 0x26, 0x00, 0x04, 0x07, 0x00, 0x00, 0x00, 0x01, 0x1e, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00,
  0x01, 0x04, 0x00, 0x00, 0x00, 0x00, 0x02, 0x04, 0x03, 0x00, 0x00, 0x00, 0x03, 0x04, 0x40, 0x00,
  0x00, 0x00, 0x04, 0x04, 0x80, 0x00, 0x00, 0x00,
) };

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
  hook: {
    type: "filter",
    number: nft.NF_BR_PRE_ROUTING,
    priority: nft.NF_BR_PRI_NAT_DST_BRIDGED,
    text: "prerouting priority dstnat",
  },
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
  hook: {
    type: "filter",
    number: nft.NF_INET_PRE_ROUTING,
    priority: nft.NF_IP_PRI_RAW_BEFORE_DEFRAG,
    text: "prerouting priority -450",
  },
  earlier: [],
  rules: nodeRules,
});

/** The table for what these say by ARP; a pod whose addresses are not checked has no elements here. */
export const ARP_CHECK: SpoofTable = spoofTable(ARP_TABLE, {
  sets: SETS.filter(({ name }) => [SOURCE, ADDRESSED, SOURCE4].includes(name)),
  chain: INPUT,
  hook: { type: "filter", number: nft.NF_ARP_IN, priority: 0, text: "input priority filter" },
  earlier: [],
  rules: arpRules,
});

interface SpoofTableParts {
  sets: readonly SetLayout[];
  chain: string;
  hook: Hook;
  earlier: readonly TableRules[];
  rules: () => Rule[];
}

function spoofTable(table: Table, { sets, chain, hook, earlier, rules }: SpoofTableParts): SpoofTable {
  return {
    sets: sets.map(({ name }) => name),
    layout: tableLayout({
      table,
      rules: [[chain, rules().length]],
      earlier,
      sets: () => sets,
      chains: () => [{ name: chain, hook, rules: rules() }],
    }),
  };
}
