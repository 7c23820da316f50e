// Properties of a packet as rules of nftables load them into registers. A byte that is not known is
// undefined. (linux/netfilter/nf_tables.h; RFC 791, 8200, 9293)
import { addressBytes, addressFromBytes, formatAddress } from "../ip/address.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { RTN_LOCAL } from "../netlink/uapi/rtnetlink.ts";
import { u32At, u32Bytes } from "../sys/bytes.ts";
import { HEADER } from "./expression.ts";
import { INTERFACE_NAME_BYTES } from "./key.ts";
import type { Packet, PacketLink } from "./packet.ts";

/** Bytes of which some may not be known. */
export type Bytes = readonly (number | undefined)[];

/** A property of a packet in a register. */
export interface Field {
  /** As people write it: `iifname`, `ip saddr`. */
  name: string;
  /** The length, in bytes. */
  length: number;
  /** As many bytes as the length says. */
  bytesOf(packet: Packet): Bytes;
  /** A value as people write it. */
  textOf(value: Uint8Array): string;
  /** The length of the whole address of which this is the beginning; beginnings are prefixes. */
  whole?: number;
}

/** Numbers of ip_conntrack_info as bits, in an expression `ct state` (NF_CT_STATE_BIT). */
const STATES = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const;

/** Names of protocols above IP, by IPPROTO_… */
export const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: "icmp",
  6: "tcp",
  17: "udp",
  58: "ipv6-icmp",
  132: "sctp",
};

/** ETH_P_IP and ETH_P_IPV6 (linux/if_ether.h). */
const ETHER_TYPES = { 4: 0x0800, 6: 0x86dd } as const;

/** So many bytes of which nothing is known. */
export function unknownBytes(length: number): Bytes {
  return new Array<undefined>(length).fill(undefined);
}

/** A property that is not known of any packet. */
export function unknownField(name: string, length = 4): Field {
  return { name, length, bytesOf: () => unknownBytes(length), textOf: hexText };
}

/** `fib daddr type`: of the node, where that is known; other types are not. */
export const DESTINATION_TYPE: Field = {
  name: "fib daddr type",
  length: 4,
  bytesOf: ({ isForNode }) => (isForNode === true ? [...u32Bytes(RTN_LOCAL)] : unknownBytes(4)),
  textOf: (value) => (u32At(value, 0) === RTN_LOCAL ? "local" : hexText(value)),
};

/** The property that `meta` loads by this key, in a table of this family; undefined: not known. */
export function metaField(key: number, tableFamily: number): Field | undefined {
  return key === nft.NFT_META_NFPROTO && !isOfIp(tableFamily)
    ? byteField("meta nfproto", () => tableFamily)
    : META[key];
}

function isOfIp(family: number): boolean {
  return family === nft.NFPROTO_IPV4 || family === nft.NFPROTO_IPV6 || family === nft.NFPROTO_INET;
}

/** The property of the packet's connection that `ct` loads by this key; undefined: not known. */
export function connectionField(key: number): Field | undefined {
  return CONNECTION[key];
}

/** True for the state of the connection, which is a set of bits. */
function isState(field: Field): boolean {
  return field === CONNECTION[nft.NFT_CT_STATE];
}

/** The names of the states whose bits are set. */
function statesText([bits = 0]: Uint8Array): string {
  const names = Object.entries(STATES).filter(([, bit]) => (bits & bit) !== 0);
  return names.map(([name]) => name).join(",");
}

/** The bytes of a header that `payload` loads, by base (NFT_PAYLOAD_…), offset and length. */
export function headerField(base: number, { offset, length }: { offset: number; length: number }): Field {
  const { name, whole, textOf } = namedPart(base, offset, length) ?? {
    name: `@${base},${8 * offset},${8 * length}`,
    whole: undefined,
    textOf: hexText,
  };
  return {
    name,
    length,
    bytesOf(packet) {
      const header = headerOf(base, packet);
      return Array.from({ length }, (_, at) => header[offset + at]);
    },
    textOf,
    ...(whole === undefined ? {} : { whole }),
  };
}

type Named = Pick<Field, "name" | "textOf"> & { whole?: number | undefined };

/** The name and the text of a field that fills the place; of an address its beginning. */
function namedPart(base: number, offset: number, length: number): Named | undefined {
  if (base === nft.NFT_PAYLOAD_TRANSPORT_HEADER && length === 2 && (offset === 0 || offset === 2))
    return { name: offset === 0 ? "th sport" : "th dport", textOf: numberText };
  if (base !== nft.NFT_PAYLOAD_NETWORK_HEADER)
    return base === nft.NFT_PAYLOAD_LL_HEADER && offset === ETHER_TYPE && length === 2
      ? { name: "ether type", textOf: etherTypeText }
      : undefined;
  for (const family of [4, 6] as const) {
    const { saddr, daddr, length: whole, word } = HEADER[family];
    if (length === 1 && offset === PROTOCOL[family] && family === 4)
      return { name: "ip protocol", textOf: protocolText };
    if (length <= whole && (offset === saddr || offset === daddr))
      return {
        name: `${word} ${offset === saddr ? "saddr" : "daddr"}`,
        whole,
        textOf: (value) => prefixText(value, whole),
      };
  }
  return offset === PROTOCOL[6] && length === 1 ? { name: "ip6 nexthdr", textOf: protocolText } : undefined;
}

/** Places in the headers of Ethernet, IPv4 and IPv6. */
const ETHER_TYPE = 12;
const PROTOCOL = { 4: 9, 6: 6 } as const;

/** The bytes of a header that are known of the packet, at their places. */
function headerOf(base: number, packet: Packet): (number | undefined)[] {
  const header: (number | undefined)[] = [];
  const put = (at: number, bytes: Iterable<number> | undefined): void => {
    for (const byte of bytes ?? []) header[at++] = byte;
  };
  if (base === nft.NFT_PAYLOAD_LL_HEADER) put(ETHER_TYPE, be16Bytes(ETHER_TYPES[packet.family]));
  if (base === nft.NFT_PAYLOAD_TRANSPORT_HEADER) {
    put(0, be16Bytes(packet.sourcePort));
    put(2, be16Bytes(packet.destinationPort));
  }
  if (base !== nft.NFT_PAYLOAD_NETWORK_HEADER) return header;
  const { saddr, daddr } = HEADER[packet.family];
  put(PROTOCOL[packet.family], packet.protocol === undefined ? undefined : [packet.protocol]);
  put(saddr, packet.source && addressBytes(packet.source));
  put(daddr, packet.destination && addressBytes(packet.destination));
  return header;
}

function be16Bytes(value: number | undefined): number[] | undefined {
  return value === undefined ? undefined : [value >>> 8, value & 0xff];
}

function nameField(name: string, linkOf: (packet: Packet) => Pick<PacketLink, "name"> | undefined): Field {
  return {
    name,
    length: INTERFACE_NAME_BYTES,
    bytesOf(packet) {
      const link = linkOf(packet);
      if (link === undefined) return unknownBytes(INTERFACE_NAME_BYTES);
      return Array.from({ length: INTERFACE_NAME_BYTES }, (_, at) =>
        at < link.name.length ? link.name.charCodeAt(at) : 0,
      );
    },
    textOf: (value) =>
      `"${String.fromCharCode(...value.filter((byte) => byte !== 0))}${value.at(-1) === 0 ? "" : "*"}"`,
  };
}

function numberField(name: string, numberOf: (packet: Packet) => number | undefined): Field {
  return {
    name,
    length: 4,
    bytesOf(packet) {
      const value = numberOf(packet);
      return value === undefined ? unknownBytes(4) : [...u32Bytes(value)];
    },
    textOf: hexText,
  };
}

function byteField(
  name: string,
  byteOf: (packet: Packet) => number | undefined,
  textOf: Field["textOf"] = numberText,
): Field {
  return { name, length: 1, bytesOf: (packet) => [byteOf(packet)], textOf };
}

const META: Record<number, Field> = {
  [nft.NFT_META_IIFNAME]: nameField("iifname", ({ input }) => input),
  [nft.NFT_META_OIFNAME]: nameField("oifname", ({ output }) => output),
  [nft.NFT_META_BRI_IIFNAME]: nameField("meta ibrname", ({ input, bridge }) => input && bridge),
  [nft.NFT_META_BRI_OIFNAME]: nameField("meta obrname", ({ output, bridge }) => output && bridge),
  [nft.NFT_META_IIF]: numberField("iif", ({ input }) => input?.index),
  [nft.NFT_META_OIF]: numberField("oif", ({ output }) => output?.index),
  [nft.NFT_META_IIFGROUP]: numberField("iifgroup", ({ input }) => input?.group),
  [nft.NFT_META_OIFGROUP]: numberField("oifgroup", ({ output }) => output?.group),
  [nft.NFT_META_PROTOCOL]: {
    name: "meta protocol",
    length: 2,
    bytesOf: ({ family }) => be16Bytes(ETHER_TYPES[family])!,
    textOf: etherTypeText,
  },
  [nft.NFT_META_NFPROTO]: byteField("meta nfproto", ({ family }) =>
    family === 4 ? nft.NFPROTO_IPV4 : nft.NFPROTO_IPV6,
  ),
  [nft.NFT_META_L4PROTO]: byteField("meta l4proto", ({ protocol }) => protocol, protocolText),
};

const CONNECTION: Record<number, Field> = {
  [nft.NFT_CT_STATE]: numberField("ct state", ({ state }) => state && STATES[state]),
  [nft.NFT_CT_STATUS]: numberField("ct status", ({ isTranslated }) => (isTranslated ? nft.IPS_DST_NAT : 0)),
};

/** An address, or the beginning of one as a prefix. */
function prefixText(value: Uint8Array, bytes: number): string {
  const whole = new Uint8Array(bytes);
  whole.set(value);
  const address = formatAddress(addressFromBytes(whole));
  return value.length === bytes ? address : `${address}/${8 * value.length}`;
}

function protocolText([byte = 0]: Uint8Array): string {
  return PROTOCOL_NAMES[byte] ?? String(byte);
}

function etherTypeText(value: Uint8Array): string {
  const number = Number(numberText(value));
  return number === ETHER_TYPES[4] ? "ip" : number === ETHER_TYPES[6] ? "ip6" : hexText(value);
}

function numberText(value: Uint8Array): string {
  return String(value.reduce((sum, byte) => sum * 256 + byte, 0));
}

/** Bytes as a number to the base 16. */
export function hexText(bytes: Uint8Array): string {
  return `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** A field behind a mask. A bit that the mask takes away is known, whatever it was. */
export function maskedField(loaded: Field, bits: Uint8Array, turned: Uint8Array | undefined): Field {
  return {
    length: loaded.length,
    bytesOf: (packet) =>
      loaded.bytesOf(packet).map((byte, at) => {
        const wanted = bits[at] ?? 0;
        if (byte === undefined && wanted !== 0) return undefined;
        return ((byte ?? 0) & wanted) ^ (turned?.[at] ?? 0);
      }),
    ...maskedText(loaded, bits),
  };
}

/** The words of a field behind a mask: an address as a prefix, states by the mask alone. */
function maskedText(loaded: Field, bits: Uint8Array): Pick<Field, "name" | "textOf"> {
  const { name, textOf, whole } = loaded;
  if (isState(loaded)) return { name: `${name} ${statesText(bits)}`, textOf: () => "" };
  if (whole === undefined) return { name: `${name} & ${hexText(bits)}`, textOf };
  const ones = bits.reduce((sum, byte) => sum + (byte.toString(2).match(/1/g)?.length ?? 0), 0);
  return { name, textOf: (value) => `${textOf(value).replace(/\/\d+$/, "")}/${ones}` };
}
