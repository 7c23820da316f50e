// Ranges of addresses: membership, size, the n-th address.
import { type Address, familyBits } from "./address.ts";
import { networkOf, type Prefix } from "./prefix.ts";

/** An unbroken run of addresses of one family, both ends included. */
export interface AddressRange {
  readonly first: Address;
  readonly last: Address;
}

/** A run of addresses to hand out, both ends included, with the settings of its pods. */
export interface LeaseRange extends AddressRange {
  /** Host bits are zero. */
  subnet: Prefix;
  /**
   * The address that is never handed out; it may lie outside of the subnet. Undefined on a link without a
   * gateway.
   */
  gateway: Address | undefined;
}

/** All addresses of a prefix, from its network address to its last one. */
export function prefixRange(prefix: Prefix): AddressRange {
  const first = networkOf(prefix).address;
  const hostBits = BigInt(familyBits(first.family) - prefix.length);
  return { first, last: { family: first.family, value: first.value + (1n << hostBits) - 1n } };
}

/** True when `address` lies in the range, its ends included. */
export function rangeContains(range: AddressRange, address: Address): boolean {
  return (
    range.first.family === address.family &&
    range.first.value <= address.value &&
    address.value <= range.last.value
  );
}

/** True when at least one address lies in both. */
export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return rangeContains(a, b.first) || rangeContains(b, a.first);
}

/** The number of addresses, at least 1. */
export function rangeSize(range: AddressRange): bigint {
  return range.last.value - range.first.value + 1n;
}

/** The address at `index`, counted from 0 at the first. Throws RangeError outside of the range. */
export function addressAt(range: AddressRange, index: bigint): Address {
  const { family, value } = range.first;
  if (index < 0n || index > range.last.value - value)
    throw new RangeError(`no address ${index} in a range of ${rangeSize(range)}`);
  return { family, value: value + index };
}

/** The index of `address` in the range, counted from 0, or undefined when it lies outside. */
export function indexOf(range: AddressRange, address: Address): bigint | undefined {
  return rangeContains(range, address) ? address.value - range.first.value : undefined;
}
