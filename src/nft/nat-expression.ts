// The expressions of rules that translate the destination of connections to the node's own ports.
// (linux/netfilter/nf_tables.h; as `nft --debug=netlink` shows them)
import type { Address, Family } from "../ip/address.ts";
import { addressBytes, formatAddress } from "../ip/address.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { RTN_LOCAL } from "../netlink/uapi/rtnetlink.ts";
import { u32Bytes } from "../sys/bytes.ts";
import {
  type Expression,
  equals,
  expression,
  HEADER,
  isFamily,
  lookUp,
  mask,
  meta,
  payload,
  type Statement,
  statement,
  verdict,
} from "./expression.ts";

const FIRST = nft.NFT_REG32_00;

/** `ip6 daddr ADDRESS goto CHAIN` */
export function gotoFor(address: Address, chain: string): Statement {
  const { family } = address;
  const { word, daddr: offset, length } = HEADER[family];
  return statement(
    `${word} daddr ${formatAddress(address)} goto ${chain}`,
    ...isFamily(family),
    payload(FIRST, { offset, length }),
    equals(FIRST, addressBytes(address)),
    verdict(nft.NFT_GOTO, chain),
  );
}

/** `fib daddr type local goto CHAIN` */
export function gotoForLocal(chain: string): Statement {
  const type = expression("fib", (w) =>
    w
      .be32Attribute(nft.NFTA_FIB_DREG, FIRST)
      .be32Attribute(nft.NFTA_FIB_RESULT, nft.NFT_FIB_RESULT_ADDRTYPE)
      .be32Attribute(nft.NFTA_FIB_FLAGS, nft.NFTA_FIB_F_DADDR),
  );
  const isLocal = equals(FIRST, u32Bytes(RTN_LOCAL));
  return statement(`fib daddr type local goto ${chain}`, type, isLocal, verdict(nft.NFT_GOTO, chain));
}

/** `meta mark set meta mark | BIT` */
export function setMark(bit: number): Statement {
  return statement(
    `meta mark set meta mark | ${markText(1 << bit)}`,
    meta(nft.NFT_META_MARK, FIRST),
    mask(FIRST, u32Bytes(~(1 << bit)), u32Bytes(1 << bit)),
    storeMark(),
  );
}

/** `meta mark set meta mark & ~BIT` */
export function clearMark(bit: number): Statement {
  return statement(
    `meta mark set meta mark & ${markText(~(1 << bit))}`,
    meta(nft.NFT_META_MARK, FIRST),
    mask(FIRST, u32Bytes(~(1 << bit))),
    storeMark(),
  );
}

/** A mark of 32 bits as nft writes it: `0x00002000`. */
function markText(bits: number): string {
  return `0x${(bits >>> 0).toString(16).padStart(8, "0")}`;
}

/** `meta mark & BIT == BIT ct status dnat` */
export function isMarkedAndTranslated(bit: number): Statement {
  const status = expression("ct", (w) =>
    w.be32Attribute(nft.NFTA_CT_DREG, FIRST).be32Attribute(nft.NFTA_CT_KEY, nft.NFT_CT_STATUS),
  );
  const mark = markText(1 << bit);
  return statement(
    `meta mark & ${mark} == ${mark} ct status dnat`,
    meta(nft.NFT_META_MARK, FIRST),
    mask(FIRST, u32Bytes(1 << bit)),
    equals(FIRST, u32Bytes(1 << bit)),
    status,
    mask(FIRST, u32Bytes(nft.IPS_DST_NAT)),
    equals(FIRST, new Uint8Array(4), nft.NFT_CMP_NEQ),
  );
}

/** `ip daddr vmap @MAP` */
export function destinationVerdict(family: Family, map: string): Statement {
  const { word, daddr: offset, length } = HEADER[family];
  return statement(
    `${word} daddr vmap @${map}`,
    ...isFamily(family),
    payload(FIRST, { offset, length }),
    lookUp(map, FIRST),
  );
}

/** `meta nfproto ipv4 dnat ip to meta l4proto . th dport map @MAP`: the map gives address and port. */
export function translatePort(family: Family, map: string): Statement {
  return statement(
    `meta nfproto ipv${family} dnat ${HEADER[family].word} to meta l4proto . th dport map @${map}`,
    ...isFamily(family),
    ...protocolAndPort(FIRST),
    lookUp(map, FIRST, FIRST),
    translate(family, FIRST + registersOf(family)),
  );
}

/** `meta nfproto ipv4 meta l4proto . th dport vmap @MAP` */
export function portVerdict(family: Family, map: string): Statement {
  return statement(
    `meta nfproto ipv${family} meta l4proto . th dport vmap @${map}`,
    ...isFamily(family),
    ...protocolAndPort(FIRST),
    lookUp(map, FIRST),
  );
}

/**
 * `dnat ip to ip daddr . meta l4proto . th dport map @MAP`: the map gives address and port, or with
 * `keepPort` the address alone.
 */
export function translateAddressAndPort(family: Family, map: string, keepPort = false): Statement {
  const { word } = HEADER[family];
  return statement(
    `dnat ${word} to ${word} daddr . meta l4proto . th dport map @${map}`,
    ...addressProtocolAndPort(family),
    lookUp(map, FIRST, FIRST),
    translate(family, keepPort ? undefined : FIRST + registersOf(family)),
  );
}

/** `ip daddr . meta l4proto . th dport vmap @MAP` */
export function addressAndPortVerdict(family: Family, map: string): Statement {
  return statement(
    `${HEADER[family].word} daddr . meta l4proto . th dport vmap @${map}`,
    ...addressProtocolAndPort(family),
    lookUp(map, FIRST),
  );
}

function addressProtocolAndPort(family: Family): Expression[] {
  const address = payload(FIRST, { offset: HEADER[family].daddr, length: HEADER[family].length });
  return [...isFamily(family), address, ...protocolAndPort(FIRST + registersOf(family))];
}

/** The number of 32-bit registers that an address takes. */
function registersOf(family: Family): number {
  return HEADER[family].length / 4;
}

/** Loads protocol and destination port. The port stands at one place in all protocols that have ports. */
function protocolAndPort(register: number): Expression[] {
  return [
    meta(nft.NFT_META_L4PROTO, register),
    payload(register + 1, { offset: 2, length: 2, base: nft.NFT_PAYLOAD_TRANSPORT_HEADER }),
  ];
}

function translate(family: Family, portRegister: number | undefined): Expression {
  return expression("nat", (w) => {
    w.be32Attribute(nft.NFTA_NAT_TYPE, nft.NFT_NAT_DNAT)
      .be32Attribute(nft.NFTA_NAT_FAMILY, family === 4 ? nft.NFPROTO_IPV4 : nft.NFPROTO_IPV6)
      .be32Attribute(nft.NFTA_NAT_REG_ADDR_MIN, FIRST);
    if (portRegister !== undefined) w.be32Attribute(nft.NFTA_NAT_REG_PROTO_MIN, portRegister);
  });
}

function storeMark(): Expression {
  return expression("meta", (w) =>
    w.be32Attribute(nft.NFTA_META_KEY, nft.NFT_META_MARK).be32Attribute(nft.NFTA_META_SREG, FIRST),
  );
}
