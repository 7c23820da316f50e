// Parts of rules that masquerade pods, check what they send and keep networks apart. Each is named by its nft
// text, and gives the expressions that nft compiles it to.
import { addressBytes, type Family } from "../ip/address.ts";
import { networkOf, type Prefix } from "../ip/prefix.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import {
  type Expression,
  equals,
  expression,
  HEADER,
  type HeaderField,
  isFamily,
  lookUp,
  mask,
  meta,
  payload,
  prefixMask,
  verdict,
} from "./expression.ts";

/** Offset and length of the source address in an Ethernet header (IEEE 802.3). */
const ETHER = { saddr: 6, length: 6 };
/** The type of such links, 16 bits in the order of the host (linux/if_arp.h). */
const ARPHRD_ETHER = Uint8Array.of(1, 0);

/** `ip saddr vmap @map`, `ip6 saddr vmap @map` */
export function sourceVerdict(family: Family, map: string): Expression[] {
  return [
    ...isFamily(family),
    payload(nft.NFT_REG_1, { offset: HEADER[family].saddr, length: HEADER[family].length }),
    lookUp(map, nft.NFT_REG_1),
  ];
}

/**
 * `iifname . ip saddr vmap @map`: an interface name takes the first four 32-bit registers, the address takes
 * the registers after it.
 */
export function interfaceSourceVerdict(family: Family, map: string): Expression[] {
  const second = nft.NFT_REG32_00 + 4;
  return [
    ...isFamily(family),
    meta(nft.NFT_META_IIFNAME, nft.NFT_REG32_00),
    payload(second, { offset: HEADER[family].saddr, length: HEADER[family].length }),
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
    payload(nft.NFT_REG_1, { offset: daddr, length }),
    mask(nft.NFT_REG_1, prefixMask(network)),
    equals(nft.NFT_REG_1, addressBytes(network.address)),
    verdict(nft.NFT_RETURN),
  ];
}

/** `meta iiftype ether`: in a table of family inet nft asks this before it looks at a MAC. */
export function isEthernet(): Expression[] {
  return [meta(nft.NFT_META_IIFTYPE, nft.NFT_REG_1), equals(nft.NFT_REG_1, ARPHRD_ETHER)];
}

/** `iifname @set` */
export function interfaceIn(set: string): Expression[] {
  return [meta(nft.NFT_META_IIFNAME, nft.NFT_REG_1), isIn(set, nft.NFT_REG_1)];
}

/** `iifname != @set` */
export function interfaceNotIn(set: string): Expression[] {
  return [meta(nft.NFT_META_IIFNAME, nft.NFT_REG_1), isIn(set, nft.NFT_REG_1, nft.NFT_LOOKUP_F_INV)];
}

/** `iifname . FIELD @set` */
export function interfaceFieldIn(set: string, field: HeaderField, flags = 0): Expression[] {
  const name = meta(nft.NFT_META_IIFNAME, nft.NFT_REG_1);
  return [name, payload(nft.NFT_REG_2, field), isIn(set, nft.NFT_REG_1, flags)];
}

/** `iifname . FIELD != @set` */
export function interfaceFieldNotIn(set: string, field: HeaderField): Expression[] {
  return interfaceFieldIn(set, field, nft.NFT_LOOKUP_F_INV);
}

/** `iifname . ether saddr != @set` */
export function interfaceEtherSourceNotIn(set: string): Expression[] {
  const { saddr: offset, length } = ETHER;
  return interfaceFieldNotIn(set, { offset, length, base: nft.NFT_PAYLOAD_LL_HEADER });
}

/** `iifname @INPUT oifname @OUTPUT` */
export function interfacesIn(input: string, output: string): Expression[] {
  return [...interfaceIn(input), ...outputIn(output)];
}

/** `iifname . oifname @set` */
export function interfacePairIn(set: string): Expression[] {
  return [
    meta(nft.NFT_META_IIFNAME, nft.NFT_REG_1),
    meta(nft.NFT_META_OIFNAME, nft.NFT_REG_2),
    isIn(set, nft.NFT_REG_1),
  ];
}

/** `iifgroup @set` */
export function groupIn(set: string): Expression[] {
  return [meta(nft.NFT_META_IIFGROUP, nft.NFT_REG_1), isIn(set, nft.NFT_REG_1)];
}

/** `oifname @set` */
export function outputIn(set: string): Expression[] {
  return [meta(nft.NFT_META_OIFNAME, nft.NFT_REG_1), isIn(set, nft.NFT_REG_1)];
}

/** `oifgroup @set` */
export function outputGroupIn(set: string): Expression[] {
  return [meta(nft.NFT_META_OIFGROUP, nft.NFT_REG_1), isIn(set, nft.NFT_REG_1)];
}

/** `iifgroup . oifgroup @set`: a group takes one of the registers of four bytes. */
export function groupPairIn(set: string): Expression[] {
  return [
    meta(nft.NFT_META_IIFGROUP, nft.NFT_REG32_00),
    meta(nft.NFT_META_OIFGROUP, nft.NFT_REG32_00 + 1),
    isIn(set, nft.NFT_REG32_00),
  ];
}

/** `goto CHAIN` */
export function goTo(chain: string): Expression[] {
  return [verdict(nft.NFT_GOTO, chain)];
}

/** `accept` */
export function accept(): Expression[] {
  return [verdict(nft.NF_ACCEPT)];
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

/** An expression that is true when the register is a key of the set; with NFT_LOOKUP_F_INV when it is not. */
function isIn(set: string, register: number, flags = 0): Expression {
  return expression("lookup", (w) => {
    w.string(nft.NFTA_LOOKUP_SET, set).be32Attribute(nft.NFTA_LOOKUP_SREG, register);
    if (flags !== 0) w.be32Attribute(nft.NFTA_LOOKUP_FLAGS, flags);
  });
}
