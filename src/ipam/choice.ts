// The choice of the next address of a range set: round robin as in host-local, at a cost that does not grow
// with the leases.
import { type Address, formatAddress } from "../ip/address.ts";
import { addressInSet, isGateway, type RangeSet } from "./range-set.ts";

/** True for an address without a holder. `closely`: a file that is not empty is read as well. */
export type IsFree = (address: Address, closely: boolean) => boolean;

/** The number of addresses that are tried singly before the steps grow. */
const NEXT = 8n;

/**
 * A free address at or after number `start`, wrapping around; undefined when the search met none.
 *
 * After a few neighbours the search leaps ahead in steps that double until it lands on a free address, and
 * then halves its way back to the end of the taken addresses. It is exact behind one unbroken run of taken
 * addresses, however long; with holes it finds some free address; it can miss the last few of an almost full
 * set. Then {@link chooseByNames} decides.
 */
export function chooseAddress(set: RangeSet, start: bigint, isFree: IsFree): Address | undefined {
  const usable = (index: bigint, closely: boolean): boolean => {
    const address = addressInSet(set, index);
    return !isGateway(set, address) && isFree(address, closely);
  };
  const index = findFrom(start, set.size, usable) ?? findFrom(0n, start, usable);
  return index === undefined ? undefined : addressInSet(set, index);
}

/**
 * The first address at or after `start`, wrapping around, that is no gateway and not among the `names` of
 * files; undefined when there is none.
 */
export function chooseByNames(set: RangeSet, start: bigint, names: ReadonlySet<string>): Address | undefined {
  // The loop ends after one more step than there are names and gateways, even in a set of 2^64.
  for (let step = 0n; step < set.size; step++) {
    const address = addressInSet(set, (start + step) % set.size);
    if (!isGateway(set, address) && !names.has(formatAddress(address))) return address;
  }
  return undefined;
}

function findFrom(
  start: bigint,
  end: bigint,
  usable: (index: bigint, closely: boolean) => boolean,
): bigint | undefined {
  for (let index = start; index < end && index < start + NEXT; index++) {
    if (usable(index, true)) return index;
  }
  let taken = start + NEXT - 1n;
  for (let step = 2n * NEXT; taken < end - 1n; step *= 2n) {
    const ahead = start + step;
    const probe = ahead < end ? ahead : end - 1n;
    if (usable(probe, false)) return firstFree(taken, probe, usable);
    taken = probe;
  }
  return undefined;
}

/** The free address behind a run of taken ones, searched between a taken and a free address. */
function firstFree(
  taken: bigint,
  free: bigint,
  usable: (index: bigint, closely: boolean) => boolean,
): bigint {
  let low = taken;
  let high = free;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (usable(middle, false)) high = middle;
    else low = middle;
  }
  return high;
}
