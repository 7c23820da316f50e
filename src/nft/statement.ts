// Parts of rules that masquerade pods, check what they send and keep networks apart: each by its nft text,
// with the expressions that nft compiles it to.
import { addressBytes, type Family } from "../ip/address.ts";
import { formatPrefix, networkOf, type Prefix } from "../ip/prefix.ts";
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
  type Statement,
  statement,
  verdict,
} from "./expression.ts";

/** Offset and length of the source address in an Ethernet header (IEEE 802.3). */
const ETHER = { saddr: 6, length: 6 };
/** The type of such links, 16 bits in the order of the host (linux/if_arp.h). */
const ARPHRD_ETHER = Uint8Array.of(1, 0);

/** `ip saddr vmap @map`, `ip6 saddr vmap @map` */
export function sourceVerdict(family: Family, map: string): Statement {
  const { word, saddr: offset, length } = HEADER[family];
  return statement(
    `${word} saddr vmap @${map}`,
    ...isFamily(family),
    payload(nft.NFT_REG_1, { offset, length }),
    lookUp(map, nft.NFT_REG_1),
  );
}

/**
 * `iifname . ip saddr vmap @map`: an interface name takes the first four 32-bit registers, the address takes
 * the registers after it.
 */
export function interfaceSourceVerdict(family: Family, map: string): Statement {
  const { word, saddr: offset, length } = HEADER[family];
  const second = nft.NFT_REG32_00 + 4;
  return statement(
    `iifname . ${word} saddr vmap @${map}`,
    ...isFamily(family),
    meta(nft.NFT_META_IIFNAME, nft.NFT_REG32_00),
    payload(second, { offset, length }),
    lookUp(map, nft.NFT_REG32_00),
  );
}

/** `ip daddr PREFIX return` */
export function destinationReturn(prefix: Prefix): Statement {
  const network = networkOf(prefix);
  const { family } = network.address;
  const { word, daddr: offset, length } = HEADER[family];
  return statement(
    `${word} daddr ${formatPrefix(network)} return`,
    ...isFamily(family),
    payload(nft.NFT_REG_1, { offset, length }),
    mask(nft.NFT_REG_1, prefixMask(network)),
    equals(nft.NFT_REG_1, addressBytes(network.address)),
    verdict(nft.NFT_RETURN),
  );
}

/** `ip daddr != @set`, `ip6 daddr != @set`, behind a test of the family */
export function destinationNotIn(family: Family, set: string): Statement {
  const { word, daddr: offset, length } = HEADER[family];
  return statement(
    `${word} daddr != @${set}`,
    payload(nft.NFT_REG_1, { offset, length }),
    isIn(set, nft.NFT_REG_1, nft.NFT_LOOKUP_F_INV),
  );
}

/** `meta iiftype ether`: in a table of family inet nft asks this by itself before it looks at a MAC. */
export function isEthernet(): Statement {
  return statement("", meta(nft.NFT_META_IIFTYPE, nft.NFT_REG_1), equals(nft.NFT_REG_1, ARPHRD_ETHER));
}

/** `iifname @set` */
export function interfaceIn(set: string): Statement {
  return statement(`iifname @${set}`, meta(nft.NFT_META_IIFNAME, nft.NFT_REG_1), isIn(set, nft.NFT_REG_1));
}

/** `iifname != @set` */
export function interfaceNotIn(set: string): Statement {
  const name = meta(nft.NFT_META_IIFNAME, nft.NFT_REG_1);
  return statement(`iifname != @${set}`, name, isIn(set, nft.NFT_REG_1, nft.NFT_LOOKUP_F_INV));
}

/** A field of a header with nft's words for it, as in `ip saddr`. */
export interface NamedField extends HeaderField {
  words: string;
}

/** `iifname . FIELD @set` */
export function interfaceFieldIn(set: string, field: NamedField): Statement {
  return statement(`iifname . ${field.words} @${set}`, ...interfaceField(set, field, 0));
}

/** `iifname . FIELD != @set` */
export function interfaceFieldNotIn(set: string, field: NamedField): Statement {
  return statement(
    `iifname . ${field.words} != @${set}`,
    ...interfaceField(set, field, nft.NFT_LOOKUP_F_INV),
  );
}

function interfaceField(set: string, field: HeaderField, flags: number): Expression[] {
  const name = meta(nft.NFT_META_IIFNAME, nft.NFT_REG_1);
  return [name, payload(nft.NFT_REG_2, field), isIn(set, nft.NFT_REG_1, flags)];
}

/** `iifname . ether saddr != @set` */
export function interfaceEtherSourceNotIn(set: string): Statement {
  const { saddr: offset, length } = ETHER;
  const base = nft.NFT_PAYLOAD_LL_HEADER;
  return interfaceFieldNotIn(set, { words: "ether saddr", offset, length, base });
}

/** `iifname . oifname @set` */
export function interfacePairIn(set: string): Statement {
  return statement(
    `iifname . oifname @${set}`,
    meta(nft.NFT_META_IIFNAME, nft.NFT_REG_1),
    meta(nft.NFT_META_OIFNAME, nft.NFT_REG_2),
    isIn(set, nft.NFT_REG_1),
  );
}

/** `iifgroup @set` */
export function groupIn(set: string): Statement {
  return statement(`iifgroup @${set}`, meta(nft.NFT_META_IIFGROUP, nft.NFT_REG_1), isIn(set, nft.NFT_REG_1));
}

/** `oifname @set` */
export function outputIn(set: string): Statement {
  return statement(`oifname @${set}`, meta(nft.NFT_META_OIFNAME, nft.NFT_REG_1), isIn(set, nft.NFT_REG_1));
}

/** `oifgroup @set` */
export function outputGroupIn(set: string): Statement {
  return statement(`oifgroup @${set}`, meta(nft.NFT_META_OIFGROUP, nft.NFT_REG_1), isIn(set, nft.NFT_REG_1));
}

/** `iifgroup . oifgroup @set`: a group takes one of the registers of four bytes. */
export function groupPairIn(set: string): Statement {
  return statement(
    `iifgroup . oifgroup @${set}`,
    meta(nft.NFT_META_IIFGROUP, nft.NFT_REG32_00),
    meta(nft.NFT_META_OIFGROUP, nft.NFT_REG32_00 + 1),
    isIn(set, nft.NFT_REG32_00),
  );
}

/** `goto CHAIN` */
export function goTo(chain: string): Statement {
  return statement(`goto ${chain}`, verdict(nft.NFT_GOTO, chain));
}

/** `accept` */
export function accept(): Statement {
  return statement("accept", verdict(nft.NF_ACCEPT));
}

/** `return` */
export function returned(): Statement {
  return statement("return", verdict(nft.NFT_RETURN));
}

/** `drop` */
export function drop(): Statement {
  return statement("drop", verdict(nft.NF_DROP));
}

/** `masquerade fully-random` */
export function masquerade(): Statement {
  return statement(
    "masquerade fully-random",
    expression("masq", (w) => w.be32Attribute(nft.NFTA_MASQ_FLAGS, nft.NF_NAT_RANGE_PROTO_RANDOM_FULLY)),
  );
}

/** An expression that is true when the register is a key of the set; with NFT_LOOKUP_F_INV when it is not. */
function isIn(set: string, register: number, flags = 0): Expression {
  return expression("lookup", (w) => {
    w.string(nft.NFTA_LOOKUP_SET, set).be32Attribute(nft.NFTA_LOOKUP_SREG, register);
    if (flags !== 0) w.be32Attribute(nft.NFTA_LOOKUP_FLAGS, flags);
  });
}
