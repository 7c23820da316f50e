// The expressions of rules, as the kernel has them. (linux/netfilter/nf_tables.h)
import { addressBytes, type Family } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { Writer } from "../netlink/writer.ts";

/** One expression: a name and its attributes. */
export type Expression = (w: Writer) => void;

/**
 * A part of a rule: its nft text, and the expressions that nft compiles the text to. The text is empty for
 * what nft adds by itself.
 */
export interface Statement {
  text: string;
  expressions: readonly Expression[];
}

/** A rule: its parts in their order. */
export type Rule = readonly Statement[];

/** The part of a rule that has this nft text. */
export function statement(text: string, ...expressions: readonly Expression[]): Statement {
  return { text, expressions };
}

/** The rule as nft writes it. */
export function ruleText(rule: Rule): string {
  return rule
    .map(({ text }) => text)
    .filter((text) => text !== "")
    .join(" ");
}

/** nft's word for the header, and offsets and length of the addresses in it (RFC 791, RFC 8200). */
export const HEADER = {
  4: { word: "ip", saddr: 12, daddr: 16, length: 4 },
  6: { word: "ip6", saddr: 8, daddr: 24, length: 16 },
} as const;

/** Writes a data attribute that holds plain bytes. */
export function writeValue(w: Writer, type: number, value: Uint8Array): void {
  w.nest(type, () => w.attribute(nft.NFTA_DATA_VALUE, value));
}

/** What becomes of a packet: NF_…, or NFT_… for the way to another chain. */
export interface Verdict {
  code: number;
  chain?: string | undefined;
}

/** Writes a data attribute that holds a verdict. */
export function writeVerdict(w: Writer, type: number, { code, chain }: Verdict): void {
  w.nest(type, () =>
    w.nest(nft.NFTA_DATA_VERDICT, () => {
      w.be32Attribute(nft.NFTA_VERDICT_CODE, code >>> 0);
      if (chain !== undefined) w.string(nft.NFTA_VERDICT_CHAIN, chain);
    }),
  );
}

/** `meta nfproto ipv4`: in an inet table the header's layout is known only after this. */
export function isFamily(family: Family): Expression[] {
  const protocol = family === 4 ? nft.NFPROTO_IPV4 : nft.NFPROTO_IPV6;
  return [meta(nft.NFT_META_NFPROTO, nft.NFT_REG_1), equals(nft.NFT_REG_1, Uint8Array.of(protocol))];
}

/** The mask of a prefix, as bytes. */
export function prefixMask(network: Prefix): Uint8Array {
  const bits = network.address.family === 4 ? 32n : 128n;
  const all = (1n << bits) - 1n;
  return addressBytes({ family: network.address.family, value: all ^ (all >> BigInt(network.length)) });
}

/** Loads a property of the packet (NFT_META_…) into a register. */
export function meta(key: number, register: number): Expression {
  return expression("meta", (w) =>
    w.be32Attribute(nft.NFTA_META_KEY, key).be32Attribute(nft.NFTA_META_DREG, register),
  );
}

/** A field of a header. */
export interface HeaderField {
  /** Bytes from the beginning of the header. */
  offset: number;
  /** Bytes. */
  length: number;
  /** Which header (NFT_PAYLOAD_…); left out: the one of IP. */
  base?: number;
}

/** Loads a field of a header into registers. */
export function payload(register: number, field: HeaderField): Expression {
  const { offset, length, base = nft.NFT_PAYLOAD_NETWORK_HEADER } = field;
  return expression("payload", (w) =>
    w
      .be32Attribute(nft.NFTA_PAYLOAD_DREG, register)
      .be32Attribute(nft.NFTA_PAYLOAD_BASE, base)
      .be32Attribute(nft.NFTA_PAYLOAD_OFFSET, offset)
      .be32Attribute(nft.NFTA_PAYLOAD_LEN, length),
  );
}

/** Loads the field of an IPv6 extension header (its number, RFC 8200) into a register. */
export function extensionHeader(
  register: number,
  header: number,
  field: Omit<HeaderField, "base">,
): Expression {
  return expression("exthdr", (w) =>
    w
      .be32Attribute(nft.NFTA_EXTHDR_DREG, register)
      .u8Attribute(nft.NFTA_EXTHDR_TYPE, header)
      .be32Attribute(nft.NFTA_EXTHDR_OFFSET, field.offset)
      .be32Attribute(nft.NFTA_EXTHDR_LEN, field.length)
      .be32Attribute(nft.NFTA_EXTHDR_OP, nft.NFT_EXTHDR_OP_IPV6),
  );
}

/** Keeps the register's bits that are in `bits`, and then flips the bits that are in `turned`. */
export function mask(
  register: number,
  bits: Uint8Array,
  turned: Uint8Array = new Uint8Array(bits.length),
): Expression {
  return expression("bitwise", (w) => {
    w.be32Attribute(nft.NFTA_BITWISE_SREG, register)
      .be32Attribute(nft.NFTA_BITWISE_DREG, register)
      .be32Attribute(nft.NFTA_BITWISE_LEN, bits.length);
    writeValue(w, nft.NFTA_BITWISE_MASK, bits);
    writeValue(w, nft.NFTA_BITWISE_XOR, turned);
  });
}

/** Goes on only when the register is equal to `value`; with NFT_CMP_NEQ only when it is not. */
export function equals(register: number, value: Uint8Array, operator = nft.NFT_CMP_EQ): Expression {
  return expression("cmp", (w) => {
    w.be32Attribute(nft.NFTA_CMP_SREG, register).be32Attribute(nft.NFTA_CMP_OP, operator);
    writeValue(w, nft.NFTA_CMP_DATA, value);
  });
}

/** Looks up the key in a register; the value goes into another register, and a verdict takes effect. */
export function lookUp(map: string, register: number, destination = nft.NFT_REG_VERDICT): Expression {
  return expression("lookup", (w) =>
    w
      .string(nft.NFTA_LOOKUP_SET, map)
      .be32Attribute(nft.NFTA_LOOKUP_SREG, register)
      .be32Attribute(nft.NFTA_LOOKUP_DREG, destination),
  );
}

/** Ends the rule with a verdict: NF_…, or NFT_… for the way to another chain. */
export function verdict(code: number, chain?: string): Expression {
  return expression("immediate", (w) => {
    w.be32Attribute(nft.NFTA_IMMEDIATE_DREG, nft.NFT_REG_VERDICT);
    writeVerdict(w, nft.NFTA_IMMEDIATE_DATA, { code, chain });
  });
}

/** An expression with this name; `data` writes its own attributes. */
export function expression(name: string, data: (w: Writer) => void): Expression {
  return (w) =>
    w.nest(nft.NFTA_LIST_ELEM, () => {
      w.string(nft.NFTA_EXPR_NAME, name);
      w.nest(nft.NFTA_EXPR_DATA, () => data(w));
    });
}
