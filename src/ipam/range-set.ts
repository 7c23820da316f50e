// A range set as one row of addresses, numbered from 0 over all of its ranges, in the order of round robin.
import { type Address, formatAddress, sameAddress } from "../ip/address.ts";
import { addressAt, indexOf, type LeaseRange, rangeSize } from "../ip/range.ts";

export interface RangeSet {
  readonly ranges: readonly LeaseRange[];
  /**
   * The number of addresses, the gateways included. In an IPv6 subnet it is too large to count leases
   * against.
   */
  readonly size: bigint;
  /** The place in the network's list of sets, from 0 on. */
  readonly number: number;
}

/** The ranges as a set, the one with this number in the network's list of sets. */
export function rangeSetOf(ranges: readonly LeaseRange[], number = 0): RangeSet {
  let size = 0n;
  for (const range of ranges) size += rangeSize(range);
  return { ranges, size, number };
}

/** The address with number `index`. Throws RangeError for one outside of the set. */
export function addressInSet(set: RangeSet, index: bigint): Address {
  let rest = index;
  for (const range of set.ranges) {
    const size = range.last.value - range.first.value + 1n;
    if (rest < size) return addressAt(range, rest);
    rest -= size;
  }
  throw new RangeError(`no address ${index} in a range set of ${set.size}`);
}

/** The number of `address` in the set, or undefined when it is not in there. */
export function indexInSet(set: RangeSet, address: Address): bigint | undefined {
  let before = 0n;
  for (const range of set.ranges) {
    const index = indexOf(range, address);
    if (index !== undefined) return before + index;
    before += rangeSize(range);
  }
  return undefined;
}

/** The range that `address` lies in, or undefined. */
export function rangeOf(set: RangeSet, address: Address): LeaseRange | undefined {
  for (const range of set.ranges) if (indexOf(range, address) !== undefined) return range;
  return undefined;
}

/** True for the gateway of any range of the set: such an address is never handed out. */
export function isGateway(set: RangeSet, address: Address): boolean {
  for (const { gateway } of set.ranges)
    if (gateway !== undefined && sameAddress(gateway, address)) return true;
  return false;
}

/** The words of a range set in messages, as host-local writes them: `first-last`, separated by commas. */
export function formatRangeSet(ranges: readonly LeaseRange[]): string {
  return ranges.map(({ first, last }) => `${formatAddress(first)}-${formatAddress(last)}`).join(",");
}
