// The ruleset that checks the pods' source addresses, as data: one table for the node, set elements per
// attachment. A frame from a pod without a check costs one look-up. With macspoofchk it costs two more and a
// comparison, with ipspoofchk as many and the look-up of its address, however many pods there are.
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
// Of a pod with ipspoofchk only what a rule accepts passes. A rule does not match a packet that is too short
// for it, so every rule that a packet could evade by that accepts.
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { Expression } from "./expression.ts";
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
import { chainMessage, rulesMessages, type Table, tableMessage } from "./message.ts";
import { type SetKey, type SetLayout, setMessage } from "./set-message.ts";
import {
  arpClaim,
  arpProbe,
  arpWithOtherMac,
  dhcpRequest,
  fromOwn4,
  fromOwn6,
  fromUnspecified6,
  icmp6,
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
import { accept, drop, interfaceEtherSourceNotIn, interfaceIn, interfaceNotIn } from "./statement.ts";
import type { TableLayout } from "./table-layout.ts";

export const SPOOF_TABLE: Table = { family: nft.NFPROTO_BRIDGE, name: "pontoon", title: "bridge pontoon" };

export const GUARDED = "guarded";
export const SOURCE = "source";
export const ADDRESSED = "addressed";
export const SOURCE4 = "source4";
export const SOURCE6 = "source6";
export const TARGET6 = "target6";
export const DHCP = "dhcp";
const PREROUTING = "prerouting";

/**
 * The rules of chain prerouting (type filter hook prerouting priority dstnat; policy accept), before the
 * bridge learns or forwards anything.
 */
function preroutingRules(): Expression[][] {
  return [
    // iifname != @guarded accept
    [...interfaceNotIn(GUARDED), ...accept()],
    // iifname . ether saddr != @source drop
    [...interfaceEtherSourceNotIn(SOURCE), ...drop()],
    // ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 drop
    [...toLinkLocalGroup(), ...drop()],
    // iifname != @addressed accept
    [...interfaceNotIn(ADDRESSED), ...accept()],
    // iifname . ip saddr @source4 accept
    [...fromOwn4(SOURCE4), ...accept()],
    // iifname . ip6 saddr @source6 meta l4proto != ipv6-icmp accept
    [...fromOwn6(SOURCE6), ...isNotIcmp6(), ...accept()],
    // iifname . ip6 saddr @source6 icmpv6 type nd-neighbor-advert iifname . @th,64,128 @target6 accept
    [...fromOwn6(SOURCE6), ...icmp6(ND_ADVERT), ...ownTarget6(TARGET6), ...accept()],
    // iifname . ip6 saddr @source6 icmpv6 type nd-router-advert drop
    [...fromOwn6(SOURCE6), ...icmp6(ROUTER_ADVERT), ...drop()],
    // iifname . ip6 saddr @source6 icmpv6 type nd-redirect drop
    [...fromOwn6(SOURCE6), ...icmp6(ND_REDIRECT), ...drop()],
    // iifname . ip6 saddr @source6 icmpv6 type != nd-neighbor-advert accept
    [...fromOwn6(SOURCE6), ...icmp6(ND_ADVERT, nft.NFT_CMP_NEQ), ...accept()],
    // iifname . ip6 saddr @source6 meta l4proto ipv6-icmp frag frag-off != 0 accept
    [...fromOwn6(SOURCE6), ...isLaterFragment(), ...accept()],
    // ip6 saddr :: icmpv6 type nd-neighbor-solicit iifname . @th,64,128 @target6 accept
    [...fromUnspecified6(), ...icmp6(ND_SOLICIT), ...ownTarget6(TARGET6), ...accept()],
    // ip6 saddr :: icmpv6 type mld2-listener-report accept
    [...fromUnspecified6(), ...icmp6(MLD2_REPORT), ...accept()],
    // iifname . arp saddr ether != @source drop
    [...arpWithOtherMac(SOURCE), ...drop()],
    // arp hlen 6 arp plen 4 iifname . arp saddr ip @source4 accept
    [...arpClaim(SOURCE4), ...accept()],
    // arp hlen 6 arp plen 4 arp saddr ip 0.0.0.0 iifname . arp daddr ip @source4 accept
    [...arpProbe(SOURCE4), ...accept()],
    // iifname @dhcp ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
    [...interfaceIn(DHCP), ...dhcpRequest(), ...accept()],
    // drop
    [...drop()],
  ];
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

/** The names of all sets. */
export const SPOOF_SETS: readonly string[] = SETS.map(({ name }) => name);

function interfaceAnd(type: number, length: number): SetKey {
  return { type: joined(TYPE_IFNAME, type), length: INTERFACE_NAME_BYTES + length, inHostOrder: false };
}

export const SPOOF_LAYOUT: TableLayout = {
  table: SPOOF_TABLE,
  rules: [[PREROUTING, 18]],
  // Before ipspoofchk the chain had one rule: iifname @guarded iifname . ether saddr != @source drop
  earlier: [[[PREROUTING, 1]]],
  tableMessages: () => [
    tableMessage(SPOOF_TABLE),
    ...SETS.map((set, at) => setMessage(SPOOF_TABLE, set, at + 1)),
    chainMessage(SPOOF_TABLE, PREROUTING, {
      type: "filter",
      number: nft.NF_BR_PRE_ROUTING,
      priority: nft.NF_BR_PRI_NAT_DST_BRIDGED,
    }),
  ],
  ruleMessages: () => rulesMessages(SPOOF_TABLE, PREROUTING, preroutingRules()),
};
