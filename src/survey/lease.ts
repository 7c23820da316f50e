// Leases that no recorded attachment holds: their addresses are not given out until something frees them.

import type { Attachment } from "../attachment/attachment.ts";
import { formatAddress } from "../ip/address.ts";
import type { HeldLease } from "../ipam/lease-directory.ts";
import { addressOfName } from "../ipam/lease-directory.ts";
import { readOwner } from "../ipam/lease-file.ts";
import { listDirectory } from "../sys/file.ts";

/** A lease without a record. */
export interface StrayLease extends HeldLease {
  directory: string;
}

/** The folder of all networks' leases, where a configuration names no other. */
const LEASES = "/var/lib/cni/networks";

/**
 * The leases in the folders of the recorded networks that belong to no recorded attachment. Only the files of
 * addresses that no attachment has are read. Throws SystemError.
 */
export function findStrayLeases(
  attachments: readonly Attachment[],
  networks: readonly string[],
): StrayLease[] {
  const held = new Map<string, Set<string>>();
  for (const network of networks) held.set(`${LEASES}/${network}`, new Set());
  for (const { leaseDirectory, addresses } of attachments) {
    if (leaseDirectory === undefined) continue;
    const known = held.get(leaseDirectory) ?? new Set();
    held.set(leaseDirectory, known);
    for (const { address } of addresses) known.add(formatAddress(address.address));
  }
  const strays: StrayLease[] = [];
  for (const [directory, known] of held)
    for (const name of listDirectory(directory)) {
      const address = known.has(name) ? undefined : addressOfName(name);
      const owner = address && readOwner(directory, address);
      if (address !== undefined && owner !== undefined) strays.push({ directory, address, owner });
    }
  return strays;
}
