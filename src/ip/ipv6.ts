// IPv6 addresses as text: RFC 4291 read, RFC 5952 written.
import { parseDigits } from "./digits.ts";
import { formatIPv4, parseIPv4 } from "./ipv4.ts";

const GROUPS = 8;

/** The 128 bits that `text` names, or undefined. No zone. */
export function parseIPv6(text: string): bigint | undefined {
  const groups = expandGap(text);
  if (groups?.length !== GROUPS) return undefined;
  let value = 0n;
  for (const group of groups) value = (value << 16n) | BigInt(group);
  return value;
}

/**
 * The shortest text of 128 bits, with dotted IPv4 in a mapped address (as RFC 5952, section 5, and Go have
 * it).
 */
export function formatIPv6(value: bigint): string {
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

/** The groups of an address, with zeros in the place of `::`. */
function expandGap(text: string): number[] | undefined {
  const gap = text.indexOf("::");
  if (gap < 0) return parseGroups(text);
  const head = parseGroups(text.slice(0, gap));
  const tail = parseGroups(text.slice(gap + 2));
  // Dotted IPv4 may only end an address, so never stand before the gap. The gap stands for one group at
  // least.
  if (
    head === undefined ||
    tail === undefined ||
    text.lastIndexOf(".", gap) >= 0 ||
    head.length + tail.length >= GROUPS
  )
    return undefined;
  while (head.length + tail.length < GROUPS) head.push(0);
  return head.concat(tail);
}

/** The groups between single colons, the last perhaps as dotted IPv4; none for an empty text. */
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
