// One lease is one file, named by its address. The functions here that change a file expect the directory's
// lock.
import { type Address, formatAddress } from "../ip/address.ts";
import { isErrno, SystemError } from "../sys/errno.ts";
import { linkFile, O_CREAT, O_EXCL, O_WRONLY, readTextOfAny, removeFile, writeText } from "../sys/file.ts";
import { fileStatus } from "../sys/status.ts";
import { formatOwner, type LeaseOwner, parseOwner } from "./lease.ts";

/**
 * The name under which a lease is written before it is linked to its address, so that a killed ADD never
 * leaves half a lease. A file that a killed ADD leaves here does no harm: host-local does not take the name
 * for an address, and removes the file in the DEL of the owner it names; the next ADD and every GC of Pontoon
 * remove it as well.
 */
export const UNFINISHED = ".pontoon.new";

/** The path of the file of a lease. */
export function leasePath(directory: string, address: Address): string {
  return `${directory}/${formatAddress(address)}`;
}

/**
 * The owner of the lease of `address`; undefined without a lease, or when the file cannot be one. Throws
 * SystemError.
 */
export function readOwner(directory: string, address: Address): LeaseOwner | undefined {
  const text = readTextOfAny(leasePath(directory, address));
  return text === undefined ? undefined : parseOwner(text);
}

/** `damaged`: free, but with a file that cannot be a lease, and may have been one. */
export type AddressState = "free" | "damaged" | "taken";

/**
 * Tells whether `address` may be handed out. A file without content is damaged (its writer died before it
 * wrote, or a program emptied it). With `closely` so is a file with a content that cannot be a lease; that
 * costs reading it. Throws SystemError.
 */
export function stateOfAddress(directory: string, address: Address, closely: boolean): AddressState {
  const status = fileStatus(leasePath(directory, address));
  if (status === undefined) return "free";
  // A folder or the like stands in the place of a lease: host-local and Pontoon pass over it for ever.
  if (status.kind !== "file") return "taken";
  const isDamaged = status.size === 0 || (closely && readOwner(directory, address) === undefined);
  return isDamaged ? "damaged" : "taken";
}

/** True when `address` may be handed out, as {@link stateOfAddress} tells. Throws SystemError. */
export function isAddressFree(directory: string, address: Address, closely: boolean): boolean {
  return stateOfAddress(directory, address, closely) !== "taken";
}

/** True when `holder` is `owner`: id and interface name, as host-local compares them. */
export function isOwnedBy(holder: LeaseOwner | undefined, owner: LeaseOwner): boolean {
  return (
    holder !== undefined &&
    holder.containerId === owner.containerId &&
    holder.interfaceName === owner.interfaceName
  );
}

/** Gives `address` to `owner`. False when another owner holds it after all. Throws SystemError. */
export function createLease(directory: string, address: Address, owner: LeaseOwner): boolean {
  const unfinished = `${directory}/${UNFINISHED}`;
  writeNew(unfinished, formatOwner(owner));
  try {
    const path = leasePath(directory, address);
    if (linkFile(unfinished, path)) return true;
    if (!isAddressFree(directory, address, true)) return false;
    removeFile(path);
    return linkFile(unfinished, path);
  } finally {
    removeIfPossible(unfinished);
  }
}

/**
 * Removes the temporary file. If it stays, the next ADD or DEL in the directory removes it; the lease does
 * not need it.
 */
function removeIfPossible(path: string): void {
  try {
    removeFile(path);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}

/**
 * Takes `address` back if `owner` holds it; another owner's lease stays. True when it was removed. Throws
 * SystemError.
 */
export function removeLease(directory: string, address: Address, owner: LeaseOwner): boolean {
  return isOwnedBy(readOwner(directory, address), owner) && removeFile(leasePath(directory, address));
}

/** Writes a new file with `text`, in the place of a file that a killed ADD left. Links are not followed. */
function writeNew(path: string, text: string): void {
  try {
    writeText(path, text, O_WRONLY | O_CREAT | O_EXCL);
  } catch (error) {
    removeFile(path);
    if (!isErrno(error, "EEXIST")) throw error;
    writeText(path, text, O_WRONLY | O_CREAT | O_EXCL);
  }
}
