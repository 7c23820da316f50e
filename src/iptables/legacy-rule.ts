// A rule of a legacy table of iptables as tests of a packet. (linux/netfilter_ipv4/ip_tables.h,
// netfilter_ipv6/ip6_tables.h, netfilter/x_tables.h)
import { type Address, addressBytes, addressFromBytes, type Family } from "../ip/address.ts";
import { formatPrefix } from "../ip/prefix.ts";
import { readText } from "../netlink/reader.ts";
import { NF_ACCEPT, NF_DROP, NF_QUEUE } from "../netlink/uapi/nf_tables.ts";
import type { PacketLink, PacketTest } from "../nft/packet.ts";
import { PROTOCOL_NAMES } from "../nft/packet-field.ts";
import { isContinuing, isQueue, isTranslating, matchTest } from "../nft/xtables.ts";
import { u16At, u32At } from "../sys/bytes.ts";
import { leadingOnes } from "./table.ts";

/** What becomes of a packet: a verdict, or the way to the chain whose first rule stands at `first`. */
export type LegacyVerdict =
  | { kind: "accept" | "drop" | "reject" | "return" | "continue" | "queue" | "translate" | "unknown" }
  | { kind: "jump" | "goto"; first: number };

/** A rule of a legacy table. */
export interface LegacyRule {
  tests: PacketTest[];
  verdict: LegacyVerdict;
  /** As `iptables -S` shows it, without the chain's name. */
  text: string;
}

/** Struct ipt_entry and struct ip6t_entry: the places of their fields, and the lengths of an address. */
const FIELDS = {
  4: {
    address: 4,
    input: 16,
    output: 32,
    inputMask: 48,
    outputMask: 64,
    protocol: 80,
    flags: 82,
    inverted: 83,
    targetOffset: 88,
    bytes: 112,
  },
  6: {
    address: 16,
    input: 64,
    output: 80,
    inputMask: 96,
    outputMask: 112,
    protocol: 128,
    flags: 131,
    inverted: 132,
    targetOffset: 140,
    bytes: 168,
  },
} as const;

/** The bits of the field "inverted" (IPT_INV_…, IP6T_INV_…). */
const INVERTED = { input: 1, output: 2, source: 8, destination: 16, protocol: 64 } as const;
/** The bit that makes a goto of a jump: IPT_F_GOTO, and IP6T_F_GOTO. */
const GOTO = { 4: 2, 6: 4 } as const;

const NAME_BYTES = 16;
/** Struct xt_entry_match and xt_entry_target: a size, a name, and data. */
const NAME = 2;
const DATA = 32;
/** XT_RETURN (linux/netfilter/x_tables.h): -NF_REPEAT - 1. */
const RETURNED = -5;

/** Reads the bytes of one entry, which stands at `entry` in its table, and `next` behind it. */
export function readLegacyRule(
  family: Family,
  bytes: Uint8Array,
  place: { entry: number; next: number },
): LegacyRule {
  const parts = [...plainParts(family, bytes), ...matchParts(family, bytes)];
  const verdict = verdictOf(family, bytes, place.next);
  const name = targetName(family, bytes);
  const target = name !== "" ? name : "first" in verdict ? verdict.kind : verdict.kind.toUpperCase();
  const words = [
    ...parts.map(({ text }) => text),
    verdict.kind === "continue" && name === "" ? "" : `-j ${target}`,
  ];
  return {
    tests: parts.flatMap(({ test }) => test ?? []),
    verdict,
    text: words.filter((word) => word !== "").join(" "),
  };
}

interface Part {
  test: PacketTest | undefined;
  text: string;
}

/** The tests of addresses, interfaces and protocol that the entry has; none for one that takes everything. */
function plainParts(family: Family, bytes: Uint8Array): Part[] {
  const fields = FIELDS[family];
  const isNot = (bit: number): boolean => ((bytes[fields.inverted] ?? 0) & bit) !== 0;
  const { address: length } = fields;
  const parts = [
    addressPart("-s", {
      value: bytes.subarray(0, length),
      mask: bytes.subarray(2 * length, 3 * length),
      isNot: isNot(INVERTED.source),
      of: (packet) => packet.source,
    }),
    addressPart("-d", {
      value: bytes.subarray(length, 2 * length),
      mask: bytes.subarray(3 * length, 4 * length),
      isNot: isNot(INVERTED.destination),
      of: (packet) => packet.destination,
    }),
    linkPart("-i", {
      name: at(bytes, fields.input),
      mask: at(bytes, fields.inputMask),
      isNot: isNot(INVERTED.input),
      of: (packet) => packet.input,
    }),
    linkPart("-o", {
      name: at(bytes, fields.output),
      mask: at(bytes, fields.outputMask),
      isNot: isNot(INVERTED.output),
      of: (packet) => packet.output,
    }),
    protocolPart(u16At(bytes, fields.protocol), isNot(INVERTED.protocol)),
  ];
  return parts.flatMap((part) => part ?? []);
}

function at(bytes: Uint8Array, offset: number): Uint8Array {
  return bytes.subarray(offset, offset + NAME_BYTES);
}

interface Field<T> {
  isNot: boolean;
  of(packet: Parameters<PacketTest>[0]): T | undefined;
}

function addressPart(
  word: string,
  { value, mask, isNot, of }: Field<Address> & { value: Uint8Array; mask: Uint8Array },
): Part | undefined {
  if (mask.every((byte) => byte === 0)) return undefined;
  const test: PacketTest = (packet) => {
    const address = of(packet);
    if (address === undefined) return undefined;
    const bytes = addressBytes(address);
    return value.every((byte, place) => byte === ((bytes[place] ?? 0) & (mask[place] ?? 0))) !== isNot;
  };
  const prefix = { address: addressFromBytes(value), length: leadingOnes(mask) };
  return { test, text: `${isNot ? "! " : ""}${word} ${formatPrefix(prefix)}` };
}

function linkPart(
  word: string,
  { name, mask, isNot, of }: Field<PacketLink> & { name: Uint8Array; mask: Uint8Array },
): Part | undefined {
  if (mask.every((byte) => byte === 0)) return undefined;
  const test: PacketTest = (packet) => {
    const link = of(packet);
    if (link === undefined) return undefined;
    const isSame = name.every((byte, place) => {
      const own = place < link.name.length ? link.name.charCodeAt(place) : 0;
      return (mask[place] ?? 0) === 0 || byte === own;
    });
    return isSame !== isNot;
  };
  const text = readText(name);
  const star = (mask[text.length] ?? 0) === 0 ? "+" : "";
  return { test, text: `${isNot ? "! " : ""}${word} ${text}${star}` };
}

function protocolPart(protocol: number, isNot: boolean): Part | undefined {
  if (protocol === 0) return undefined;
  return {
    test: (packet) => (packet.protocol === undefined ? undefined : (packet.protocol === protocol) !== isNot),
    text: `${isNot ? "! " : ""}-p ${PROTOCOL_NAMES[protocol] ?? protocol}`,
  };
}

function matchParts(family: Family, bytes: Uint8Array): Part[] {
  const { bytes: first, targetOffset } = FIELDS[family];
  const end = u16At(bytes, targetOffset);
  const parts: Part[] = [];
  for (let match = first; match < end; match += Math.max(DATA, u16At(bytes, match)))
    parts.push(
      matchTest(
        readText(bytes.subarray(match + NAME, match + DATA)),
        bytes.subarray(match + DATA, match + u16At(bytes, match)),
      ),
    );
  return parts;
}

function targetName(family: Family, bytes: Uint8Array): string {
  const target = u16At(bytes, FIELDS[family].targetOffset);
  return readText(bytes.subarray(target + NAME, target + DATA));
}

/** A target without a name is a verdict, or the place of the chain's first rule. */
function verdictOf(family: Family, bytes: Uint8Array, next: number): LegacyVerdict {
  const name = targetName(family, bytes);
  if (name === "REJECT") return { kind: "reject" };
  if (isQueue(name)) return { kind: "queue" };
  if (isTranslating(name)) return { kind: "translate" };
  if (name !== "") return { kind: isContinuing(name) ? "continue" : "unknown" };
  const value = u32At(bytes, u16At(bytes, FIELDS[family].targetOffset) + DATA) | 0;
  if (value === next) return { kind: "continue" };
  if (value >= 0)
    return {
      kind: ((bytes[FIELDS[family].flags] ?? 0) & GOTO[family]) === 0 ? "jump" : "goto",
      first: value,
    };
  if (value === RETURNED) return { kind: "return" };
  if (value === -NF_DROP - 1) return { kind: "drop" };
  if (value === -NF_QUEUE - 1) return { kind: "queue" };
  return { kind: value === -NF_ACCEPT - 1 ? "accept" : "unknown" };
}
