// Does an attachment still hold its addresses? Asked by CHECK; reads only and needs no lock, since a lease appears whole.
import { type Address, formatAddress } from "../ip/address.ts";
import { explained } from "./failure.ts";
import type { LeaseOwner } from "./lease.ts";
import { addressOfName, listOwnFiles } from "./lease-directory.ts";
import { isOwnedBy, readOwner } from "./lease-file.ts";

/** True when `owner` holds `address`. Throws CniError. */
export function ownsLease(directory: string, owner: LeaseOwner, address: Address): boolean {
  return explained("leaseStore", `look up the lease of ${formatAddress(address)}`, () => {
    const holder = readOwner(directory, address);
    // Old versions of host-local wrote the container id alone.
    return isOwnedBy(holder, owner) || isOwnedBy(holder, { containerId: owner.containerId });
  });
}

/** Every address that `owner` holds, found by reading the whole directory: for attachments without a record. Throws CniError. */
export function listOwnLeases(directory: string, owner: LeaseOwner): Address[] {
  return explained("leaseStore", `look for the leases of container ${owner.containerId}`, () =>
    listOwnFiles(directory, owner).flatMap((path) => addressOfName(path.slice(path.lastIndexOf("/") + 1)) ?? []),
  );
}
