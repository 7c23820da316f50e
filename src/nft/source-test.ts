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
  isFamily,
  mask,
  meta,
  payload,
  type Statement,
  statement,
} from "./expression.ts";
import { interfaceFieldIn, interfaceFieldNotIn, type NamedField } from "./statement.ts";

/** An ICMPv6 type (RFC 4861, RFC 9777) with nft's word for it. */
export interface Icmp6Type {
  number: number;
  word: string;
}

export const ROUTER_ADVERT: Icmp6Type = { number: 134, word: "nd-router-advert" };
export const ND_SOLICIT: Icmp6Type = { number: 135, word: "nd-neighbor-solicit" };
export const ND_ADVERT: Icmp6Type = { number: 136, word: "nd-neighbor-advert" };
export const ND_REDIRECT: Icmp6Type = { number: 137, word: "nd-redirect" };
export const MLD2_REPORT: Icmp6Type = { number: 143, word: "mld2-listener-report" };

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
const ARP_SENDER_MAC: NamedField = { words: "arp saddr ether", offset: 8, length: 6 };
const ARP_SENDER: NamedField = { words: "arp saddr ip", offset: 14, length: 4 };
const ARP_TARGET: NamedField = { words: "arp daddr ip", offset: 24, length: 4 };

const TRANSPORT = nft.NFT_PAYLOAD_TRANSPORT_HEADER;
const DESTINATION_MAC: HeaderField = { offset: 0, length: 6, base: nft.NFT_PAYLOAD_LL_HEADER };
const ICMP6_TYPE: HeaderField = { offset: 0, length: 1, base: TRANSPORT };
const ND_TARGET: NamedField = { words: "@th,64,128", offset: 8, length: 16, base: TRANSPORT };
const PORTS: HeaderField = { offset: 0, length: 4, base: TRANSPORT };
const DHCP_PORTS = Uint8Array.of(0, 68, 0, 67);

/** `ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00` */
export function toLinkLocalGroup(): Statement {
  return statement(
    "ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00",
    payload(nft.NFT_REG_1, DESTINATION_MAC),
    mask(nft.NFT_REG_1, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xf0)),
    equals(nft.NFT_REG_1, Uint8Array.of(0x01, 0x80, 0xc2, 0, 0, 0)),
  );
}

/** A test of a packet's family, which each test of a field of its header needs before it. */
export type FamilyTest = (family: Family) => Statement;

/** `meta protocol ip`, `meta protocol ip6`: the family on a bridge, where one table has packets of all. */
export const isFrameOf: FamilyTest = (family) =>
  statement(`meta protocol ${HEADER[family].word}`, ...isProtocol(family === 4 ? IPV4 : IPV6));

/** The family in a table of family inet, which nft asks for by itself. */
export const isPacketOf: FamilyTest = (family) => statement("", ...isFamily(family));

/** `iifname . ip saddr @set`, `iifname . ip6 saddr @set`, for a packet of this family */
export function fromOwn(family: Family, set: string): Statement {
  return interfaceFieldIn(set, sourceField(family));
}

/** `ip6 saddr ::`, for a packet of IPv6 */
export function fromUnspecified6(): Statement {
  return statement("ip6 saddr ::", ...isField(sourceField(6), new Uint8Array(16)));
}

/** `meta l4proto != ipv6-icmp`, for a packet whose last header is known */
export function isNotIcmp6(): Statement {
  return statement("meta l4proto != ipv6-icmp", ...isTransport(IPPROTO_ICMPV6, nft.NFT_CMP_NEQ));
}

/** `icmpv6 type TYPE` */
export function icmp6({ number, word }: Icmp6Type): Statement {
  return statement(`icmpv6 type ${word}`, ...icmp6Type(number, nft.NFT_CMP_EQ));
}

/** `icmpv6 type != TYPE`: a type that can be read, and is another. */
export function otherIcmp6({ number, word }: Icmp6Type): Statement {
  return statement(`icmpv6 type != ${word}`, ...icmp6Type(number, nft.NFT_CMP_NEQ));
}

function icmp6Type(type: number, operator: number): Expression[] {
  return [
    ...isTransport(IPPROTO_ICMPV6),
    payload(nft.NFT_REG_1, ICMP6_TYPE),
    equals(nft.NFT_REG_1, Uint8Array.of(type), operator),
  ];
}

/** `meta l4proto ipv6-icmp frag frag-off != 0`: the type of such a fragment was in the first one. */
export function isLaterFragment(): Statement {
  return statement(
    "meta l4proto ipv6-icmp frag frag-off != 0",
    ...isTransport(IPPROTO_ICMPV6),
    extensionHeader(nft.NFT_REG_1, IPPROTO_FRAGMENT, { offset: 2, length: 2 }),
    mask(nft.NFT_REG_1, Uint8Array.of(0xff, 0xf8)),
    equals(nft.NFT_REG_1, Uint8Array.of(0, 0), nft.NFT_CMP_NEQ),
  );
}

/** `iifname . @th,64,128 @set`: the target of a neighbour solicitation or advertisement. */
export function ownTarget6(set: string): Statement {
  return interfaceFieldIn(set, ND_TARGET);
}

/** `meta protocol arp`, before each test of ARP where a table has packets of other protocols too */
export function isArp(): Statement {
  return statement("meta protocol arp", ...isProtocol(ARP));
}

/** `iifname . arp saddr ether != @macs` */
export function arpWithOtherMac(macs: string): Statement {
  return interfaceFieldNotIn(macs, ARP_SENDER_MAC);
}

/** `iifname . arp saddr ip @set`, for ARP of IPv4 */
export function arpClaim(set: string): Statement {
  return interfaceFieldIn(set, ARP_SENDER);
}

/** `arp saddr ip 0.0.0.0`, for ARP of IPv4: the pod asks whether an address is free. */
export function isArpProbe(): Statement {
  return statement("arp saddr ip 0.0.0.0", ...isField(ARP_SENDER, new Uint8Array(4)));
}

/** `iifname . arp daddr ip @set`, for ARP of IPv4 */
export function arpQuestion(set: string): Statement {
  return interfaceFieldIn(set, ARP_TARGET);
}

/** `arp hlen 6 arp plen 4` */
export function isArpOfIpv4(): Statement {
  return statement("arp hlen 6 arp plen 4", ...isField(ARP_LENGTHS, LENGTHS_OF_IPV4));
}

/** `ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67` */
export function dhcpRequest(): Statement {
  const { daddr, length } = HEADER[4];
  return statement(
    "ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67",
    ...isField(sourceField(4), new Uint8Array(4)),
    ...isField({ offset: daddr, length }, Uint8Array.of(255, 255, 255, 255)),
    ...isTransport(IPPROTO_UDP),
    ...isField(PORTS, DHCP_PORTS),
  );
}

function sourceField(family: Family): NamedField {
  const { word, saddr, length } = HEADER[family];
  return { words: `${word} saddr`, offset: saddr, length };
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
