// Comparing what nftables was sent with what it gives back, attribute by attribute.
import { type Attributes, readAttributes } from "../netlink/reader.ts";
import { NLA_F_NESTED, NLA_HDRLEN, NLA_TYPE_MASK } from "../netlink/uapi/netlink.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { u16At } from "../sys/bytes.ts";

/** The registers of 32 bits in one of 128 bits. */
const REGISTERS_IN_ONE = 4;

interface Attribute {
  type: number;
  isNest: boolean;
  value: Uint8Array;
}

function attributesOf(bytes: Uint8Array): Attribute[] {
  const list: Attribute[] = [];
  for (let at = 0; at + NLA_HDRLEN <= bytes.length; ) {
    const [length, type] = [u16At(bytes, at), u16At(bytes, at + 2)];
    if (length < NLA_HDRLEN || at + length > bytes.length) break;
    const isNest = (type & NLA_F_NESTED) !== 0;
    list.push({ type: type & NLA_TYPE_MASK, isNest, value: bytes.subarray(at + NLA_HDRLEN, at + length) });
    at += (length + 3) & ~3;
  }
  return list;
}

/**
 * True when a rule has the expected expressions, all of them in their order, and no others. The program `nft`
 * writes a prefix that ends with a byte by a shorter load in the place of a mask, and changes the order of
 * bytes where that changes nothing; so a saved ruleset that is loaded again is still the same.
 */
export function isRule(expected: Uint8Array, found: Uint8Array): boolean {
  const [wanted, there] = [expressionsOf(expected), expressionsOf(found)];
  const isExact = wanted.length === there.length;
  const plain = ({ name }: RuleExpression): boolean => isExact || !CONVERSIONS.has(name);
  const [ours, theirs] = [wanted.filter(plain), there.filter(plain)];
  return ours.length === theirs.length && ours.every((each, at) => isExpression(each, theirs[at]!, isExact));
}

const CONVERSIONS = new Set(["bitwise", "byteorder"]);

interface RuleExpression {
  name: string;
  data: Uint8Array;
}

/** True for equal expressions; `isExact` false: lengths of loads and of compared values may differ. */
function isExpression({ name, data }: RuleExpression, found: RuleExpression, isExact: boolean): boolean {
  if (isProtocolLoad({ name, data }) && isProtocolLoad(found)) return true;
  if (found.name !== name) return false;
  if (!isExact && name === "payload") return isSameLoad(data, found.data);
  if (!isExact && name === "cmp") return isSameBeginning(data, found.data);
  return hasAll(data, found.data, !FILLED_IN.has(name));
}

/** The offset of the type in an Ethernet header (IEEE 802.3). */
const ETHER_TYPE = 12;

/**
 * True for the load of a frame's protocol into the first register. In a table of family bridge the program
 * `nft` leaves `meta protocol` out where it follows from the rest, and loads the type of the frame when it
 * reads that again. Behind a VLAN tag such a rule matches nothing.
 */
function isProtocolLoad({ name, data }: RuleExpression): boolean {
  const attributes = readAttributes(data);
  if (name === "meta")
    return (
      attributes.be32(nft.NFTA_META_KEY) === nft.NFT_META_PROTOCOL &&
      attributes.be32(nft.NFTA_META_DREG) === nft.NFT_REG_1
    );
  return (
    name === "payload" &&
    attributes.be32(nft.NFTA_PAYLOAD_BASE) === nft.NFT_PAYLOAD_LL_HEADER &&
    attributes.be32(nft.NFTA_PAYLOAD_OFFSET) === ETHER_TYPE &&
    attributes.be32(nft.NFTA_PAYLOAD_DREG) === nft.NFT_REG_1
  );
}

function isSameLoad(a: Uint8Array, b: Uint8Array): boolean {
  const [one, other] = [readAttributes(a), readAttributes(b)];
  return [nft.NFTA_PAYLOAD_BASE, nft.NFTA_PAYLOAD_OFFSET].every(
    (type) => one.be32(type) === other.be32(type),
  );
}

function isSameBeginning(a: Uint8Array, b: Uint8Array): boolean {
  const [one, other] = [readAttributes(a), readAttributes(b)];
  const valueOf = (from: Attributes): Uint8Array =>
    from.nest(nft.NFTA_CMP_DATA)?.bytes(nft.NFTA_DATA_VALUE) ?? new Uint8Array();
  const [first, second] = [valueOf(one), valueOf(other)];
  const length = Math.max(first.length, second.length);
  const isSame = Array.from({ length }).every((_, at) => (first[at] ?? 0) === (second[at] ?? 0));
  return isSame && one.be32(nft.NFTA_CMP_OP) === other.be32(nft.NFTA_CMP_OP);
}

/** Expressions in which the kernel fills in ends of ranges and flags that follow from the rest. */
const FILLED_IN = new Set(["nat"]);

function expressionsOf(rule: Uint8Array): RuleExpression[] {
  const list = readAttributes(rule).bytes(nft.NFTA_RULE_EXPRESSIONS) ?? new Uint8Array();
  return attributesOf(list).map(({ value }) => {
    const expression = readAttributes(value);
    const data = expression.bytes(nft.NFTA_EXPR_DATA) ?? new Uint8Array();
    return { name: expression.string(nft.NFTA_EXPR_NAME) ?? "", data };
  });
}

/**
 * True when each expected attribute is there with its value, and as often. The kernel gives more attributes
 * than it was sent, such as a chain's number; `othersAreZero`: those have to be defaults, which are 0.
 */
export function hasAll(expected: Uint8Array, found: Uint8Array, othersAreZero = false): boolean {
  const [wanted, there] = [byType(expected), byType(found)];
  for (const [type, attributes] of wanted) {
    const others = there.get(type) ?? [];
    there.delete(type);
    if (attributes.length !== others.length) return false;
    for (let at = 0; at < attributes.length; at++) {
      const { value, isNest } = attributes[at]!;
      const other = others[at]!.value;
      if (!(isNest ? hasAll(value, other, othersAreZero) : isSameValue(value, other))) return false;
    }
  }
  const isZero = ({ value }: Attribute): boolean => value.every((byte) => byte === 0);
  return !othersAreZero || [...there.values()].flat().every(isZero);
}

function byType(bytes: Uint8Array): Map<number, Attribute[]> {
  const types = new Map<number, Attribute[]>();
  for (const attribute of attributesOf(bytes)) {
    const others = types.get(attribute.type);
    if (others === undefined) types.set(attribute.type, [attribute]);
    else others.push(attribute);
  }
  return types;
}

/** True for equal bytes, and for two names of one register. */
function isSameValue(sent: Uint8Array, given: Uint8Array): boolean {
  if (sent.length !== given.length) return false;
  return sent.every((byte, at) => byte === given[at]) || isSameRegister(sent, given);
}

/** The kernel calls a register of 128 bits by its number, even if it was sent the first of its four parts. */
function isSameRegister(sent: Uint8Array, given: Uint8Array): boolean {
  if (sent.length !== 4 || sent.subarray(0, 3).some(Boolean) || given.subarray(0, 3).some(Boolean))
    return false;
  const [part = 0, whole = 0] = [sent[3], given[3]];
  return whole >= nft.NFT_REG_1 && part === nft.NFT_REG32_00 + (whole - nft.NFT_REG_1) * REGISTERS_IN_ONE;
}
