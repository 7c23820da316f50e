// All leases of a network at once. Every file of the directory is read: for GC, for a DEL without a record,
// for a full pool, never on the way of an ordinary ADD.
import type { Netconf } from "../cni/config.ts";
import { type Address, formatAddress, parseAddress } from "../ip/address.ts";
import { listDirectory, readTextOfAny } from "../sys/file.ts";
import { HINT_PREFIX } from "./hint.ts";
import { type LeaseOwner, parseOwner } from "./lease.ts";
import { UNFINISHED } from "./lease-file.ts";
import { LOCK_NAME } from "./lease-lock.ts";

/** `<dataDir>/<network>`; undefined without built-in IPAM. */
export function leaseDirectoryOf({ ipam, name }: Pick<Netconf, "ipam" | "name">): string | undefined {
  return ipam === undefined ? undefined : `${ipam.dataDir}/${name}`;
}

export interface HeldLease {
  address: Address;
  owner: LeaseOwner;
}

export interface LeaseList {
  leases: HeldLease[];
  /** Addresses with a file that is empty or cannot be a lease: free, but in the way. */
  garbage: Address[];
}

/**
 * Reads every lease, and every other file that is named by an address. Gives nothing when the directory does
 * not exist. Throws SystemError.
 */
export function listLeases(directory: string): LeaseList {
  const list: LeaseList = { leases: [], garbage: [] };
  for (const name of listDirectory(directory)) {
    const address = addressOfName(name);
    if (address === undefined) continue;
    const text = readTextOfAny(`${directory}/${name}`);
    // The name is a folder's, or the file has gone meanwhile.
    if (text === undefined) continue;
    const owner = parseOwner(text);
    if (owner === undefined) list.garbage.push(address);
    else list.leases.push({ address, owner });
  }
  return list;
}

/**
 * The paths of all files that name `owner`; if there is none, of files that name its container alone, as old
 * versions of host-local wrote them. Throws SystemError.
 */
export function listOwnFiles(directory: string, owner: LeaseOwner): string[] {
  const own: string[] = [];
  const old: string[] = [];
  for (const name of listDirectory(directory)) {
    if (name === LOCK_NAME || name.startsWith(HINT_PREFIX)) continue;
    if (name !== UNFINISHED && addressOfName(name) === undefined) continue;
    const path = `${directory}/${name}`;
    const holder = parseOwner(readTextOfAny(path) ?? "");
    if (holder?.containerId !== owner.containerId) continue;
    if (holder.interfaceName === owner.interfaceName) own.push(path);
    else if (holder.interfaceName === undefined) old.push(path);
  }
  return own.length > 0 ? own : old;
}

/** The address that a file is named by; undefined for the lock, the hints and files of other programs. */
export function addressOfName(name: string): Address | undefined {
  const address = parseAddress(name);
  return address !== undefined && formatAddress(address) === name ? address : undefined;
}
