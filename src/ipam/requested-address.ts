// An address that a runtime or configuration asks for: the attachment gets it, or the ADD fails.
import { attachmentTitle } from "../attachment/name.ts";
import { CniError } from "../cni/error.ts";
import { type Address, formatAddress } from "../ip/address.ts";
import type { LeaseOwner } from "./lease.ts";
import { isAddressFree, readOwner } from "./lease-file.ts";
import { formatRangeSet, isGateway, type RangeSet } from "./range-set.ts";
import { clearAttachment } from "./reclaim.ts";
import type { AddressWish } from "./reservation.ts";

/**
 * Makes sure that `address`, which lies in the set, can be taken; a lease of a dead attachment is freed for
 * it. The caller holds the lock. Throws CniError in the words of host-local: invalidConfig for a gateway,
 * poolExhausted for an address that is taken.
 */
export function checkRequested(wish: AddressWish, rangeSet: RangeSet, address: Address): void {
  const { directory } = wish;
  const text = formatAddress(address);
  refuseGateway(rangeSet, address);
  if (isAddressFree(directory, address, true) || reclaimHolder(wish, address)) return;
  const holder = readOwner(directory, address);
  throw new CniError("poolExhausted", {
    message: `failed to allocate for range ${rangeSet.number}: requested IP address ${text} is not available in range set ${formatRangeSet(rangeSet.ranges)}`,
    cause: holder && `${holderName(wish, holder)} has it`,
    hint: `Look who holds it: cat ${directory}/${text}`,
  });
}

/** Refuses a requested address that is a gateway's. Throws CniError invalidConfig. */
export function refuseGateway(rangeSet: RangeSet, address: Address): void {
  if (!isGateway(rangeSet, address)) return;
  throw new CniError("invalidConfig", {
    message: `failed to allocate for range ${rangeSet.number}: requested ip ${formatAddress(address)} is subnet's gateway`,
    hint: "Ask for another address",
  });
}

/** The holder of an address in words for people. A lease need not name its interface. */
function holderName({ records, key: { network } }: AddressWish, holder: LeaseOwner): string {
  const { containerId, interfaceName } = holder;
  if (interfaceName === undefined) return `container ${containerId}`;
  const key = { network, containerId, interfaceName };
  return attachmentTitle({ key, pod: records.getRecord(key)?.pod });
}

/**
 * Frees `address` from a dead holder: a container that starts again may ask for the address that it had when
 * its DEL was never sent. True when the address is free now.
 */
function reclaimHolder(wish: AddressWish, address: Address): boolean {
  const {
    directory,
    records,
    key: { network },
    isDead,
  } = wish;
  const holder = readOwner(directory, address);
  if (holder?.interfaceName === undefined) return false;
  const key = { network, containerId: holder.containerId, interfaceName: holder.interfaceName };
  const record = records.getRecord(key);
  if (
    record === undefined ||
    record.leaseDirectory !== directory ||
    records.isAddRunning(key) ||
    !isDead(record)
  )
    return false;
  clearAttachment(record, wish);
  return isAddressFree(directory, address, true);
}
