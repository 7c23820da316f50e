// The holders of leases, for CHECK and for a DEL without a record. It only reads, and needs no lock, since a
// lease appears whole.
import { type Address, formatAddress } from "../ip/address.ts";
import { explained } from "./failure.ts";
import type { LeaseOwner } from "./lease.ts";
import { type HeldLease, listLeases } from "./lease-directory.ts";
import { isOwnedBy, readOwner } from "./lease-file.ts";

/** True when `owner` holds `address`. Throws CniError. */
export function ownsLease(directory: string, owner: LeaseOwner, address: Address): boolean {
  return explained("leaseStore", `look up the lease of ${formatAddress(address)}`, () => {
    const holder = readOwner(directory, address);
    // Old versions of host-local wrote the container id alone.
    return isOwnedBy(holder, owner) || isOwnedBy(holder, { containerId: owner.containerId });
  });
}

/**
 * All leases of a container, for any of its interfaces. Reads every lease of the directory. Throws CniError.
 */
export function leasesOf(directory: string, containerId: string): HeldLease[] {
  return explained("leaseStore", `look up the leases of container ${containerId}`, () =>
    listLeases(directory).leases.filter(({ owner }) => owner.containerId === containerId),
  );
}
