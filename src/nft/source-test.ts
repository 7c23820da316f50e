// The expressions of rules that tell the frames which a pod may send from those that it may not. Each is
// named by its nft text. The protocol is that of the packet, behind a VLAN tag if there is one; a frame with
// a second tag has none of these protocols. (RFC 826, 4861, 8200)
import type { Family } from "../ip/address.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import {
  type Expression,
  equals,
  extensionHeader,
  HEADER,
  type HeaderField,
  mask,
  meta,
  payload,
} from "./expression.ts";
import { interfaceFieldIn, interfaceFieldNotIn } from "./statement.ts";

/** ICMPv6 types (RFC 4861, RFC 9777). */
export const ROUTER_ADVERT = 134;
export const ND_SOLICIT = 135;
export const ND_ADVERT = 136;
export const ND_REDIRECT = 137;
export const MLD2_REPORT = 143;

const IPPROTO_UDP = 17;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_FRAGMENT = 44;

/** Protocols of frames, as bytes (linux/if_ether.h). */
const IPV4 = Uint8Array.of(0x08, 0x00);
const ARP = Uint8Array.of(0x08, 0x06);
const IPV6 = Uint8Array.of(0x86, 0xdd);

/** The lengths of the addresses in an ARP packet, which fix their places. */
const ARP_LENGTHS: HeaderField = { offset: 4, length: 2 };
const LENGTHS_OF_IPV4 = Uint8Array.of(6, 4);
const ARP_SENDER_MAC: HeaderField = { offset: 8, length: 6 };
const ARP_SENDER: HeaderField = { offset: 14, length: 4 };
const ARP_TARGET: HeaderField = { offset: 24, length: 4 };

const DESTINATION_MAC: HeaderField = { offset: 0, length: 6, base: nft.NFT_PAYLOAD_LL_HEADER };
const ICMP6_TYPE: HeaderField = { offset: 0, length: 1, base: nft.NFT_PAYLOAD_TRANSPORT_HEADER };
const ND_TARGET: HeaderField = { offset: 8, length: 16, base: nft.NFT_PAYLOAD_TRANSPORT_HEADER };
const PORTS: HeaderField = { offset: 0, length: 4, base: nft.NFT_PAYLOAD_TRANSPORT_HEADER };
const DHCP_PORTS = Uint8Array.of(0, 68, 0, 67);

/** `ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00` */
export function toLinkLocalGroup(): Expression[] {
  return [
    payload(nft.NFT_REG_1, DESTINATION_MAC),
    mask(nft.NFT_REG_1, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xf0)),
    equals(nft.NFT_REG_1, Uint8Array.of(0x01, 0x80, 0xc2, 0, 0, 0)),
  ];
}

/** A test of a packet's family, which each test of a field of its header needs before it. */
export type FamilyTest = (family: Family) => Expression[];

/** `meta protocol ip`, `meta protocol ip6`: the family on a bridge, where one table has packets of all. */
export const isFrameOf: FamilyTest = (family) => isProtocol(family === 4 ? IPV4 : IPV6);

/** `iifname . ip saddr @set`, `iifname . ip6 saddr @set`, for a packet of this family */
export function fromOwn(family: Family, set: string): Expression[] {
  return interfaceFieldIn(set, sourceField(family));
}

/** `ip6 saddr ::`, for a packet of IPv6 */
export function fromUnspecified6(): Expression[] {
  return isField(sourceField(6), new Uint8Array(16));
}

/** `meta l4proto != ipv6-icmp`, for a packet whose last header is known */
export function isNotIcmp6(): Expression[] {
  return isTransport(IPPROTO_ICMPV6, nft.NFT_CMP_NEQ);
}

/** `icmpv6 type TYPE`, or with NFT_CMP_NEQ `icmpv6 type != TYPE`: a type that can be read, and is another. */
export function icmp6(type: number, operator = nft.NFT_CMP_EQ): Expression[] {
  return [
    ...isTransport(IPPROTO_ICMPV6),
    payload(nft.NFT_REG_1, ICMP6_TYPE),
    equals(nft.NFT_REG_1, Uint8Array.of(type), operator),
  ];
}

/** `meta l4proto ipv6-icmp frag frag-off != 0`: the type of such a fragment was in the first one. */
export function isLaterFragment(): Expression[] {
  return [
    ...isTransport(IPPROTO_ICMPV6),
    extensionHeader(nft.NFT_REG_1, IPPROTO_FRAGMENT, { offset: 2, length: 2 }),
    mask(nft.NFT_REG_1, Uint8Array.of(0xff, 0xf8)),
    equals(nft.NFT_REG_1, Uint8Array.of(0, 0), nft.NFT_CMP_NEQ),
  ];
}

/** `iifname . @th,64,128 @set`: the target of a neighbour solicitation or advertisement. */
export function ownTarget6(set: string): Expression[] {
  return interfaceFieldIn(set, ND_TARGET);
}

/** `meta protocol arp`, before each test of ARP where a table has packets of other protocols too */
export function isArp(): Expression[] {
  return isProtocol(ARP);
}

/** `iifname . arp saddr ether != @macs` */
export function arpWithOtherMac(macs: string): Expression[] {
  return interfaceFieldNotIn(macs, ARP_SENDER_MAC);
}

/** `arp hlen 6 arp plen 4 iifname . arp saddr ip @set` */
export function arpClaim(set: string): Expression[] {
  return [...isArpOfIpv4(), ...interfaceFieldIn(set, ARP_SENDER)];
}

/**
 * `arp hlen 6 arp plen 4 arp saddr ip 0.0.0.0 iifname . arp daddr ip @set`: a pod asks whether an address of
 * its own is free.
 */
export function arpProbe(set: string): Expression[] {
  return [...isArpOfIpv4(), ...isField(ARP_SENDER, new Uint8Array(4)), ...interfaceFieldIn(set, ARP_TARGET)];
}

function isArpOfIpv4(): Expression[] {
  return isField(ARP_LENGTHS, LENGTHS_OF_IPV4);
}

/** `ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67` */
export function dhcpRequest(): Expression[] {
  const { daddr, length } = HEADER[4];
  return [
    ...isProtocol(IPV4),
    ...isField(sourceField(4), new Uint8Array(4)),
    ...isField({ offset: daddr, length }, Uint8Array.of(255, 255, 255, 255)),
    ...isTransport(IPPROTO_UDP),
    ...isField(PORTS, DHCP_PORTS),
  ];
}

function sourceField(family: Family): HeaderField {
  const { saddr, length } = HEADER[family];
  return { offset: saddr, length };
}

/** `meta protocol PROTOCOL` */
function isProtocol(protocol: Uint8Array): Expression[] {
  return [meta(nft.NFT_META_PROTOCOL, nft.NFT_REG_1), equals(nft.NFT_REG_1, protocol)];
}

function isTransport(protocol: number, operator = nft.NFT_CMP_EQ): Expression[] {
  return [
    meta(nft.NFT_META_L4PROTO, nft.NFT_REG_1),
    equals(nft.NFT_REG_1, Uint8Array.of(protocol), operator),
  ];
}

function isField(field: HeaderField, value: Uint8Array): Expression[] {
  return [payload(nft.NFT_REG_1, field), equals(nft.NFT_REG_1, value)];
}
