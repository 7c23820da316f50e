// An address with a prefix length, as in 10.1.2.3/16.
import {
  type Address,
  type Family,
  familyBits,
  formatAddress,
  parseAddress,
  sameAddress,
} from "./address.ts";

/** An address and how many of its leading bits name the network. The host bits are kept. */
export interface Prefix {
  readonly address: Address;
  readonly length: number;
}

/**
 * The prefix that `text` names (`address/length`), or undefined. As Go's net.ParseCIDR, except that an
 * IPv4-mapped IPv6 prefix is refused: its length would count bits that the IPv4 address does not have.
 */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const address = parseAddress(text.slice(0, slash));
  const length = parseLength(text.slice(slash + 1));
  if (address === undefined || length === undefined || length > familyBits(address.family)) return undefined;
  if (address.family === 4 && text.includes(":")) return undefined;
  return { address, length };
}

/** What is wrong with a text that names no prefix, in words; undefined where it looks like no slip. */
function prefixSlip(text: string): string | undefined {
  if (/\s/.test(text)) return "there is a blank in it";
  const [, address = "", length] = /^([^/]+)(?:\/(\d+))?$/.exec(text) ?? [];
  const bits = familyBits(address.includes(":") ? 6 : 4);
  if (/^\d+(\.\d+)*$/.test(address)) {
    const numbers = address.split(".");
    if (numbers.length !== 4) return "an IPv4 address has four numbers";
    const large = numbers.find((each) => Number(each) > 255);
    if (large !== undefined) return `${large} is more than 255`;
    const padded = numbers.find((each) => /^0\d/.test(each));
    if (padded !== undefined) return `${padded} begins with a zero`;
  }
  return Number(length) > bits ? `its length is ${bits} at most` : undefined;
}

/** `invalid CIDR address`, with the slip and what it must be: "a network", "an address". */
export function prefixProblem(value: unknown, must: string): string {
  const slip = typeof value === "string" ? prefixSlip(value) : undefined;
  return `invalid CIDR address; ${slip === undefined ? "" : `${slip}; `}it must be ${must}`;
}

/** The prefixes that texts name; a text that names none is left out. */
export function parsePrefixes(texts: readonly string[]): Prefix[] {
  return texts.flatMap((text) => parsePrefix(text) ?? []);
}

/** The text of a prefix, `address/length`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address)}/${prefix.length}`;
}

/** True when address and length are equal; host bits count. */
export function samePrefix(a: Prefix, b: Prefix): boolean {
  return a.length === b.length && sameAddress(a.address, b.address);
}

/** True when the list has the prefix, host bits counted. */
export function hasPrefix(list: readonly Prefix[], wanted: Prefix): boolean {
  for (const prefix of list) if (samePrefix(prefix, wanted)) return true;
  return false;
}

/** The network that a prefix lies in: its host bits are cleared. */
export function networkOf(prefix: Prefix): Prefix {
  const { family, value } = prefix.address;
  const hostBits = BigInt(familyBits(family) - prefix.length);
  return { address: { family, value: (value >> hostBits) << hostBits }, length: prefix.length };
}

/** True when a bit behind the length is set. */
export function hasHostBits(prefix: Prefix): boolean {
  return networkOf(prefix).address.value !== prefix.address.value;
}

/** True when one of the prefixes is of this family. */
export function hasFamily(prefixes: readonly Prefix[], family: Family): boolean {
  return prefixes.some(({ address }) => address.family === family);
}

/** True when `address` lies in the network of `prefix`. */
export function prefixContains(prefix: Prefix, address: Address): boolean {
  const { family, value } = prefix.address;
  const hostBits = BigInt(familyBits(family) - prefix.length);
  return family === address.family && value >> hostBits === address.value >> hostBits;
}

/** The text of a length. Go takes leading zeros here, and stops at 0xFFFFFF. */
const LENGTH = /^\d{1,7}$/;

function parseLength(text: string): number | undefined {
  return LENGTH.test(text) ? Number(text) : undefined;
}

/** The address alone as a prefix: with all of its bits. */
export function wholeOf(address: Address): Prefix {
  return { address, length: familyBits(address.family) };
}

/** True for a prefix of one address. */
export function isSingle({ address, length }: Prefix): boolean {
  return length === familyBits(address.family);
}

/** True for a prefix that is this address alone. */
export function isWhole(prefix: Prefix, wanted: Address): boolean {
  return isSingle(prefix) && sameAddress(prefix.address, wanted);
}
