// The expressions that rules are built of: what nft compiles its text to. (linux/netfilter/nf_tables.h)
import { addressBytes, type Family } from "../ip/address.ts";
import { networkOf, type Prefix } from "../ip/prefix.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { Writer } from "../netlink/writer.ts";

/** One expression: a name and its attributes. */
export type Expression = (w: Writer) => void;

/** Offsets and length of the addresses in the IP headers (RFC 791, RFC 8200). */
export const HEADER = {
  4: { saddr: 12, daddr: 16, length: 4 },
  6: { saddr: 8, daddr: 24, length: 16 },
} as const;

/** The same of the source address in an Ethernet header (IEEE 802.3). */
const ETHER = { saddr: 6, length: 6 };

/** `ip saddr vmap @map`, `ip6 saddr vmap @map` */
export function sourceVerdict(family: Family, map: string): Expression[] {
  return [
    ...isFamily(family),
    payload(nft.NFT_REG_1, HEADER[family].saddr, HEADER[family].length),
    lookUp(map, nft.NFT_REG_1),
  ];
}

/**
 * `iifname . ip saddr vmap @map`: an interface name takes the first four 32-bit registers, the address those
 * after.
 */
export function interfaceSourceVerdict(family: Family, map: string): Expression[] {
  const second = nft.NFT_REG32_00 + 4;
  return [
    ...isFamily(family),
    meta(nft.NFT_META_IIFNAME, nft.NFT_REG32_00),
    payload(second, HEADER[family].saddr, HEADER[family].length),
    lookUp(map, nft.NFT_REG32_00),
  ];
}

/** `ip daddr PREFIX return` */
export function destinationReturn(prefix: Prefix): Expression[] {
  const network = networkOf(prefix);
  const { family } = network.address;
  const { daddr, length } = HEADER[family];
  return [
    ...isFamily(family),
    payload(nft.NFT_REG_1, daddr, length),
    mask(nft.NFT_REG_1, prefixMask(network)),
    equals(nft.NFT_REG_1, addressBytes(network.address)),
    verdict(nft.NFT_RETURN),
  ];
}

/** `iifname @set` */
export function interfaceIn(set: string): Expression[] {
  return [meta(nft.NFT_META_IIFNAME, nft.NFT_REG_1), isIn(set, nft.NFT_REG_1)];
}

/** `iifname . ether saddr != @set` */
export function interfaceEtherSourceNotIn(set: string): Expression[] {
  const name = meta(nft.NFT_META_IIFNAME, nft.NFT_REG_1);
  const source = payload(nft.NFT_REG_2, ETHER.saddr, ETHER.length, nft.NFT_PAYLOAD_LL_HEADER);
  return [name, source, isIn(set, nft.NFT_REG_1, nft.NFT_LOOKUP_F_INV)];
}

/** `iifname @INPUT oifname @OUTPUT` */
export function interfacesIn(input: string, output: string): Expression[] {
  return [...interfaceIn(input), meta(nft.NFT_META_OIFNAME, nft.NFT_REG_1), isIn(output, nft.NFT_REG_1)];
}

/** `iifname . oifname @set` */
export function interfacePairIn(set: string): Expression[] {
  return [
    meta(nft.NFT_META_IIFNAME, nft.NFT_REG_1),
    meta(nft.NFT_META_OIFNAME, nft.NFT_REG_2),
    isIn(set, nft.NFT_REG_1),
  ];
}

/** `return` */
export function returned(): Expression[] {
  return [verdict(nft.NFT_RETURN)];
}

/** `drop` */
export function drop(): Expression[] {
  return [verdict(nft.NF_DROP)];
}

/** `masquerade fully-random` */
export function masquerade(): Expression[] {
  return [
    expression("masq", (w) => w.be32Attribute(nft.NFTA_MASQ_FLAGS, nft.NF_NAT_RANGE_PROTO_RANDOM_FULLY)),
  ];
}

/** Writes a data attribute that holds plain bytes. */
export function writeValue(w: Writer, type: number, value: Uint8Array): void {
  w.nest(type, () => w.attribute(nft.NFTA_DATA_VALUE, value));
}

/** Writes a data attribute that holds a verdict. */
export function writeVerdict(w: Writer, type: number, code: number, chain?: string): void {
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

export function prefixMask(network: Prefix): Uint8Array {
  const bits = network.address.family === 4 ? 32n : 128n;
  const all = (1n << bits) - 1n;
  return addressBytes({ family: network.address.family, value: all ^ (all >> BigInt(network.length)) });
}

export function meta(key: number, register: number): Expression {
  return expression("meta", (w) =>
    w.be32Attribute(nft.NFTA_META_KEY, key).be32Attribute(nft.NFTA_META_DREG, register),
  );
}

export function payload(
  register: number,
  offset: number,
  length: number,
  base = nft.NFT_PAYLOAD_NETWORK_HEADER,
): Expression {
  return expression("payload", (w) =>
    w
      .be32Attribute(nft.NFTA_PAYLOAD_DREG, register)
      .be32Attribute(nft.NFTA_PAYLOAD_BASE, base)
      .be32Attribute(nft.NFTA_PAYLOAD_OFFSET, offset)
      .be32Attribute(nft.NFTA_PAYLOAD_LEN, length),
  );
}

/** The register's bits that are in `bits`; then those in `turned` the other way round. */
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

export function equals(register: number, value: Uint8Array, operator = nft.NFT_CMP_EQ): Expression {
  return expression("cmp", (w) => {
    w.be32Attribute(nft.NFTA_CMP_SREG, register).be32Attribute(nft.NFTA_CMP_OP, operator);
    writeValue(w, nft.NFTA_CMP_DATA, value);
  });
}

/** The value of a map for the key in a register goes into another one; a verdict takes effect. */
export function lookUp(map: string, register: number, destination = nft.NFT_REG_VERDICT): Expression {
  return expression("lookup", (w) =>
    w
      .string(nft.NFTA_LOOKUP_SET, map)
      .be32Attribute(nft.NFTA_LOOKUP_SREG, register)
      .be32Attribute(nft.NFTA_LOOKUP_DREG, destination),
  );
}

/** True for the rule when the register is a key of the set; with NFT_LOOKUP_F_INV when it is not. */
function isIn(set: string, register: number, flags = 0): Expression {
  return expression("lookup", (w) => {
    w.string(nft.NFTA_LOOKUP_SET, set).be32Attribute(nft.NFTA_LOOKUP_SREG, register);
    if (flags !== 0) w.be32Attribute(nft.NFTA_LOOKUP_FLAGS, flags);
  });
}

export function verdict(code: number, chain?: string): Expression {
  return expression("immediate", (w) => {
    w.be32Attribute(nft.NFTA_IMMEDIATE_DREG, nft.NFT_REG_VERDICT);
    writeVerdict(w, nft.NFTA_IMMEDIATE_DATA, code, chain);
  });
}

export function expression(name: string, data: (w: Writer) => void): Expression {
  return (w) =>
    w.nest(nft.NFTA_LIST_ELEM, () => {
      w.string(nft.NFTA_EXPR_NAME, name);
      w.nest(nft.NFTA_EXPR_DATA, () => data(w));
    });
}
