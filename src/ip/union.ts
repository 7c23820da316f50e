// Many ranges as few.
import { type Family, familyBits, formatAddress } from "./address.ts";
import { formatPrefix, type Prefix } from "./prefix.ts";
import { type AddressRange, prefixRange, rangeSize } from "./range.ts";

/** The addresses of these prefixes of one family as ranges in order, with a gap between any two of them. */
export function unionOf(prefixes: readonly Prefix[], family: Family): AddressRange[] {
  const ranges = prefixes
    .filter(({ address }) => address.family === family)
    .map(prefixRange)
    .sort((a, b) => (a.first.value < b.first.value ? -1 : a.first.value > b.first.value ? 1 : 0));
  const union: AddressRange[] = [];
  for (const range of ranges) {
    const before = union.at(-1);
    if (before === undefined || range.first.value > before.last.value + 1n) union.push(range);
    else if (range.last.value > before.last.value)
      union[union.length - 1] = { first: before.first, last: range.last };
  }
  return union;
}

/** The range as `nft` writes it: an address, a prefix where it is one, else its two ends. */
export function rangeText(range: AddressRange): string {
  const { first, last } = range;
  const size = rangeSize(range);
  if (size === 1n) return formatAddress(first);
  const isPrefix = (size & (size - 1n)) === 0n && first.value % size === 0n;
  if (!isPrefix) return `${formatAddress(first)}-${formatAddress(last)}`;
  const hostBits = size.toString(2).length - 1;
  return formatPrefix({ address: first, length: familyBits(first.family) - hostBits });
}
