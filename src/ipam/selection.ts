// The addresses of one wish, chosen and not yet taken.
import { CniError } from "../cni/error.ts";
import { type Address, formatAddress } from "../ip/address.ts";
import { formatPrefix } from "../ip/prefix.ts";
import { listDirectory } from "../sys/file.ts";
import { chooseAddress, chooseByNames, type IsFree } from "./choice.ts";
import { poolExhausted, reclaimDead, removeGarbage } from "./full-pool.ts";
import { type Hint, readHint } from "./hint.ts";
import type { Lease } from "./lease.ts";
import { stateOfAddress } from "./lease-file.ts";
import { restoreLostLeases } from "./lost-lease.ts";
import { indexInSet, type RangeSet, rangeOf, rangeSetOf } from "./range-set.ts";
import { checkRequested } from "./requested-address.ts";
import type { AddressWish } from "./reservation.ts";

/**
 * One address of each range set. Where the directory looks as if leases were lost, living attachments get
 * theirs back before: a set without a hint has given out no address yet, or its files were removed; and a
 * file that cannot be a lease may have been one. The caller holds the lock. Throws CniError and SystemError.
 */
export function chooseLeases(wish: AddressWish): Lease[] {
  const requested = [...(wish.requested ?? [])];
  const leases = wish.rangeSets.map((ranges, number) => {
    const rangeSet = rangeSetOf(ranges, number);
    const hint = readHint(wish.directory, number);
    if (hint.address === undefined) restoreLost(wish);
    const asked = takeFitting(requested, rangeSet);
    if (asked !== undefined) {
      if (stateOfAddress(wish.directory, asked, true) === "damaged") restoreLost(wish);
      checkRequested(wish, rangeSet, asked);
    }
    return leaseOf(rangeSet, asked ?? chooseFree(wish, rangeSet, hint), hint);
  });
  if (requested.length > 0) throw notFitting(requested, wish.rangeSets);
  return leases;
}

/** Takes the first requested address that lies in the set off the list. */
export function takeFitting(requested: Address[], rangeSet: RangeSet): Address | undefined {
  for (let at = 0; at < requested.length; at++) {
    const address = requested[at];
    if (address === undefined || rangeOf(rangeSet, address) === undefined) continue;
    requested.splice(at, 1);
    return address;
  }
  return undefined;
}

function chooseFree(wish: AddressWish, rangeSet: RangeSet, hint: Hint): Address {
  const { directory } = wish;
  const start = startOf(rangeSet, hint);
  let isDamaged = false;
  const isFree: IsFree = (address, closely) => {
    const state = stateOfAddress(directory, address, closely);
    if (state === "damaged") isDamaged = true;
    return state !== "taken";
  };
  const pick = (): Address | undefined =>
    chooseAddress(rangeSet, start, isFree) ??
    chooseByNames(rangeSet, start, new Set(listDirectory(directory)));

  const first = pick();
  const chosen = isDamaged && restoreLost(wish) > 0 ? pick() : first;
  return chosen ?? chooseFromFull(wish, rangeSet, pick);
}

/**
 * Chooses from a full set: leases of dead attachments and broken files are freed, and the set is searched
 * again.
 */
function chooseFromFull(wish: AddressWish, rangeSet: RangeSet, pick: () => Address | undefined): Address {
  const { directory, key } = wish;
  const { attachments, failures } = reclaimDead({ ...wish, network: key.network });
  const found = (attachments > 0 ? pick() : undefined) ?? (removeUnowned(wish) > 0 ? pick() : undefined);
  if (found === undefined) throw poolExhausted(directory, rangeSet, failures);
  return found;
}

/** Removes files that cannot be a lease, and may not have been one of a living attachment. */
function removeUnowned(wish: AddressWish): number {
  restoreLost(wish);
  return removeGarbage(wish.directory);
}

function restoreLost(wish: AddressWish): number {
  return restoreLostLeases({ ...wish, network: wish.key.network });
}

/**
 * The number behind the last address that the set gave out; 0 when there is no hint, or a hint of another
 * set.
 */
function startOf(rangeSet: RangeSet, { address }: Hint): bigint {
  const index = address === undefined ? undefined : indexInSet(rangeSet, address);
  return index === undefined ? 0n : (index + 1n) % rangeSet.size;
}

function leaseOf(rangeSet: RangeSet, address: Address, { byOthers }: Hint): Lease {
  const range = rangeOf(rangeSet, address);
  if (range === undefined)
    throw new RangeError(`${formatAddress(address)} is not in range set ${rangeSet.number}`);
  return {
    set: rangeSet.number,
    address: { address, length: range.subnet.length },
    gateway: range.gateway,
    givenByOthers: byOthers && address.family === 4,
  };
}

/** The error for requested addresses that are in no range set. */
export function notFitting(left: Address[], rangeSets: AddressWish["rangeSets"]): CniError {
  const subnets = rangeSets.flat().map(({ subnet }) => formatPrefix(subnet));
  return new CniError("invalidConfig", {
    message: `failed to allocate all requested IPs: ${left.map(formatAddress).join(" ")}`,
    cause: `each range set gives one address; the sets are in ${subnets.join(", ")}`,
    hint: "Ask for one address of each range set at most",
  });
}
