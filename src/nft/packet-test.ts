// The expressions of rules that test a packet's source, destination or incoming interface.
// (linux/netfilter/nf_tables.h; as `nft --debug=netlink` shows them)
import { addressBytes, type Family } from "../ip/address.ts";
import { formatPrefix, type Prefix, parsePrefix } from "../ip/prefix.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { textBytes } from "../sys/bytes.ts";
import {
  type Expression,
  equals,
  HEADER,
  isFamily,
  mask,
  meta,
  payload,
  prefixMask,
  type Statement,
  statement,
  verdict,
} from "./expression.ts";
import { INTERFACE_NAME_BYTES, interfaceKey } from "./key.ts";

const FIRST = nft.NFT_REG32_00;

/** `iifname "NAME" accept` */
export function acceptFrom(name: string): Statement {
  return statement(`iifname "${name}" accept`, ...cameInBy(name), verdict(nft.NF_ACCEPT));
}

/** `ip daddr PREFIX drop`, `ip saddr PREFIX drop` */
export function dropAddressed(side: "saddr" | "daddr", prefix: Prefix): Statement {
  return statement(`${addressText(side, prefix)} drop`, ...addressed(side, prefix), verdict(nft.NF_DROP));
}

/** `ip saddr PREFIX`: the packets of a subnet. */
export function isFrom(prefix: Prefix): Statement {
  return statement(addressText("saddr", prefix), ...addressed("saddr", prefix));
}

function addressText(side: "saddr" | "daddr", prefix: Prefix, operator = ""): string {
  return `${HEADER[prefix.address.family].word} ${side} ${operator}${formatPrefix(prefix)}`;
}

/**
 * A test of a packet: its source, its destination or its incoming interface has to match `value`, or with
 * `not` must not match it.
 */
export interface PacketTest {
  field: "saddr" | "daddr" | "iifname";
  not: boolean;
  /** A subnet, or the name of an interface; a star at its end stands for any ending. */
  value: string;
}

/**
 * `ip daddr != PREFIX goto CHAIN`, `iifname "NAME" goto CHAIN`: for a packet of the family that fails the
 * test. A value that cannot be read, in a record that was altered by hand, lets no packet pass.
 */
export function gotoUnless({ field, not, value }: PacketTest, family: Family, chain: string): Statement {
  const operator = not ? nft.NFT_CMP_EQ : nft.NFT_CMP_NEQ;
  const leave = verdict(nft.NFT_GOTO, chain);
  const always = statement(`goto ${chain}`, leave);
  const word = not ? "" : "!= ";
  if (field === "iifname")
    return isInterfaceName(value)
      ? statement(`iifname ${word}"${value}" goto ${chain}`, ...cameInBy(value, operator), leave)
      : always;
  const prefix = parsePrefix(value);
  if (prefix?.address.family !== family) return always;
  const text = `${addressText(field, prefix, word)} goto ${chain}`;
  return statement(text, ...addressed(field, prefix, operator), leave);
}

/** True for the name of an interface, with or without a star at its end. */
function isInterfaceName(text: string): boolean {
  const length = textBytes(text).length;
  return (
    length > 0 &&
    length < INTERFACE_NAME_BYTES &&
    text.indexOf("*") !== 0 &&
    [-1, text.length - 1].includes(text.indexOf("*"))
  );
}

/** The interface has this name, or a name that starts with the text before a star at the end. */
function cameInBy(name: string, operator = nft.NFT_CMP_EQ): Expression[] {
  const key = interfaceKey(name, new Uint8Array());
  return [
    meta(nft.NFT_META_IIFNAME, FIRST),
    equals(FIRST, key.subarray(0, name.endsWith("*") ? key.indexOf(0x2a) : INTERFACE_NAME_BYTES), operator),
  ];
}

/** The address is in the prefix. As `nft` does it, only the bytes of a prefix of whole bytes are loaded. */
function addressed(
  side: "saddr" | "daddr",
  { address, length }: Prefix,
  operator = nft.NFT_CMP_EQ,
): Expression[] {
  const { family } = address;
  const offset = HEADER[family][side];
  const bytes = addressBytes(address);
  if (length % 8 === 0 && length > 0)
    return [
      ...isFamily(family),
      payload(FIRST, { offset, length: length / 8 }),
      equals(FIRST, bytes.subarray(0, length / 8), operator),
    ];
  return [
    ...isFamily(family),
    payload(FIRST, { offset, length: bytes.length }),
    mask(FIRST, prefixMask({ address, length })),
    equals(FIRST, bytes, operator),
  ];
}
