// Addresses as values. Text is read by hand, digit by digit and strictly: a mistake could hand out a wrong
// address.
import { formatIPv4, parseIPv4 } from "./ipv4.ts";
import { formatIPv6, parseIPv6 } from "./ipv6.ts";

export type Family = 4 | 6;

/** One IPv4 or IPv6 address; `value` is its bits as an unsigned number. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** The number of bits in an address of a family. */
export function familyBits(family: Family): number {
  return family === 4 ? 32 : 128;
}

/**
 * The address that `text` names, or undefined when it names none. As strict as Go's net.ParseIP, which the
 * reference plugins use: no zone, no leading zeros in IPv4, no spaces. An IPv4-mapped IPv6 address gives the
 * IPv4 address.
 */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(":")) {
    const bits = parseIPv4(text);
    return bits === undefined ? undefined : { family: 4, value: BigInt(bits) };
  }
  const value = parseIPv6(text);
  if (value === undefined) return undefined;
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffffffffn } : { family: 6, value };
}

/** The one text of an address: dotted IPv4, or IPv6 as RFC 5952 wants it. Also the name of its lease file. */
export function formatAddress(address: Address): string {
  return address.family === 4 ? formatIPv4(Number(address.value)) : formatIPv6(address.value);
}

/** True when the two are one address of one family. */
export function sameAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

/** True for an address that stays inside its host (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3). */
export function isLoopbackAddress({ family, value }: Address): boolean {
  return family === 4 ? value >> 24n === 127n : value === 1n;
}

/** The address in network byte order: 4 or 16 bytes. */
export function addressBytes(address: Address): Uint8Array {
  const bytes = new Uint8Array(familyBits(address.family) / 8);
  let rest = address.value;
  for (let at = bytes.length - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/**
 * The address of 4 or 16 bytes in network byte order; 16 bytes are IPv6 whatever they say. Throws RangeError
 * for another length.
 */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length !== 4 && bytes.length !== 16)
    throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
  let value = 0n;
  for (let at = 0; at < bytes.length; at++) value = (value << 8n) | BigInt(bytes[at] ?? 0);
  return { family: bytes.length === 4 ? 4 : 6, value };
}
