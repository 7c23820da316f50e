// Addresses as values. Text is read by hand: strict where a mistake could hand out a wrong address, and
// without regular expressions, whose compilation would cost more than the whole of this file.

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
 * The address that `text` names, or undefined when it names none. As strict as Go's net.ParseIP, which the reference
 * plugins use: no zone, no leading zeros in IPv4, no spaces. An IPv4-mapped IPv6 address gives the IPv4 address.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.includes(":")) return addressOfGroups(parseIPv6(text));
  const value = parseIPv4(text);
  return value === undefined ? undefined : { family: 4, value: BigInt(value) };
}

/** The one text of an address: dotted IPv4, or IPv6 as RFC 5952 wants it. Also the name of its lease file. */
export function formatAddress(address: Address): string {
  return address.family === 4 ? formatIPv4(Number(address.value)) : formatIPv6(address.value);
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

/** Negative, zero or positive, for sorting; every IPv4 address comes before every IPv6 address. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
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

/** The address of 4 or 16 bytes in network byte order; 16 bytes are IPv6 whatever they say. Throws RangeError for another length. */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length !== 4 && bytes.length !== 16) throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

/** The address of eight groups; a mapped one as the IPv4 address it stands for. */
function addressOfGroups(groups: number[] | undefined): Address | undefined {
  if (groups === undefined) return undefined;
  let value = 0n;
  for (const group of groups) value = (value << 16n) | BigInt(group);
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffffffffn } : { family: 6, value };
}

function parseIPv4(text: string): number | undefined {
  const fields = text.split(".");
  if (fields.length !== 4) return undefined;
  let value = 0;
  for (const field of fields) {
    const octet = parseDigits(field, 10, 3);
    if (octet === undefined || octet > 255 || (field.length > 1 && field.startsWith("0"))) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

/** The eight groups of an IPv6 address. */
function parseIPv6(text: string): number[] | undefined {
  const gap = text.indexOf("::");
  if (gap < 0) {
    const groups = parseGroups(text);
    return groups?.length === 8 ? groups : undefined;
  }
  const head = parseGroups(text.slice(0, gap));
  const tail = parseGroups(text.slice(gap + 2));
  // Dotted IPv4 may only end an address, so never stand before the gap. The gap stands for one group at least.
  if (head === undefined || tail === undefined || text.lastIndexOf(".", gap) >= 0 || head.length + tail.length > 7) return undefined;
  while (head.length + tail.length < 8) head.push(0);
  return head.concat(tail);
}

/** Groups between single colons, the last one perhaps as dotted IPv4; none in an empty text. */
function parseGroups(text: string): number[] | undefined {
  const groups: number[] = [];
  if (text === "") return groups;
  const fields = text.split(":");
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] ?? "";
    const last = at === fields.length - 1;
    if (last && field.includes(".")) {
      const value = parseIPv4(field);
      if (value === undefined) return undefined;
      groups.push(Math.floor(value / 65536), value % 65536);
      return groups;
    }
    const group = parseDigits(field, 16, 4);
    if (group === undefined) return undefined;
    groups.push(group);
  }
  return groups;
}

/** The number that 1 to `longest` digits of a base say; nothing else may stand there. */
function parseDigits(text: string, base: 10 | 16, longest: number): number | undefined {
  if (text.length === 0 || text.length > longest) return undefined;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = digitOf(text.charCodeAt(at));
    if (digit >= base) return undefined;
    value = value * base + digit;
  }
  return value;
}

/** The value of an ASCII digit 0-9, a-f, A-F; 16 for anything else. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : 16;
}

function formatIPv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function formatIPv6(value: bigint): string {
  // RFC 5952, section 5: a known mapped prefix keeps its IPv4 part dotted, as in Go.
  if (value >> 32n === 0xffffn) return `::ffff:${formatIPv4(Number(value & 0xffffffffn))}`;
  const groups: string[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(((value >> shift) & 0xffffn).toString(16));
  const [start, length] = longestZeroRun(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** Start and length of the longest run of zero groups, the first one of equals (RFC 5952, section 4.2.3). */
function longestZeroRun(groups: string[]): [number, number] {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === "0") end++;
    if (end - start > best[1]) best = [start, end - start];
    start = end;
  }
  return best;
}
