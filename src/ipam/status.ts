// The check whether the pool can serve an ADD. STATUS asks every few seconds; nothing is left behind.
import { CniError } from "../cni/error.ts";
import type { LeaseRange } from "../ip/range.ts";
import { isErrno, SystemError } from "../sys/errno.ts";
import { listDirectory, O_RDWR, O_TMPFILE, openFile } from "../sys/file.ts";
import { fileStatus } from "../sys/status.ts";
import { writeAll } from "../sys/stream.ts";
import { explainedError } from "./failure.ts";
import { addressOfName } from "./lease-directory.ts";
import { formatRangeSet, indexInSet, isGateway, rangeOf, rangeSetOf } from "./range-set.ts";

export interface PoolCount {
  /** The range set as `first-last`, several separated by commas. */
  words: string;
  /** The number of addresses that can be handed out: all but the gateways. */
  size: bigint;
  /** The number of these addresses that have a file. */
  taken: bigint;
}

/**
 * Throws CniError notAvailable (code 50) when no lease could be written in `directory`, or in the folder that
 * it would be made in.
 */
export function checkLeaseDirectory(directory: string): void {
  try {
    // A file without a name proves that the file system takes new files now, and is gone when it is closed. A
    // full one still makes files: only a byte in it proves space.
    using file = openFile(nearestFolder(directory), O_RDWR | O_TMPFILE, 0o600);
    writeAll(file.fd, "\n", directory);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    // Some file systems have no nameless files; their refusal does not concern leases.
    if (isErrno(error, "EOPNOTSUPP")) return;
    throw explainedError("notAvailable", `try to write in ${directory}`, error);
  }
}

/**
 * The addresses and leases of each range set, counted by names alone: one listing, no file is opened. Throws
 * CniError.
 */
export function countPools(directory: string, rangeSets: readonly (readonly LeaseRange[])[]): PoolCount[] {
  const addresses = listNames(directory).flatMap((name) => addressOfName(name) ?? []);
  return rangeSets.map((ranges) => {
    const set = rangeSetOf(ranges);
    const gateways = new Set(
      ranges
        .flatMap(({ gateway }) => gateway ?? [])
        .filter((gateway) => rangeOf(set, gateway) !== undefined)
        .map(({ value }) => value),
    );
    const taken = addresses.filter(
      (address) => indexInSet(set, address) !== undefined && !isGateway(set, address),
    );
    return {
      words: formatRangeSet(ranges),
      size: set.size - BigInt(gateways.size),
      taken: BigInt(taken.length),
    };
  });
}

/** Throws CniError notAvailable (code 50) when a range set has no address left. */
export function checkFreeAddresses(directory: string, rangeSets: readonly (readonly LeaseRange[])[]): void {
  const full = countPools(directory, rangeSets).filter(({ size, taken }) => taken >= size);
  if (full.length === 0) return;
  throw new CniError("notAvailable", {
    about: `no address left in ${full.map(({ words }) => words).join(" and ")}`,
    cause: full.map(({ size, taken }) => `${taken} of ${size} addresses are taken`).join("; "),
    hint: `Remove pods, send GC, or widen the ranges; the leases are in ${directory}`,
  });
}

function listNames(directory: string): string[] {
  try {
    return listDirectory(directory);
  } catch (error) {
    throw error instanceof SystemError ? explainedError("notAvailable", "count leases", error) : error;
  }
}

function nearestFolder(path: string): string {
  if (path === "" || fileStatus(path) !== undefined) return path === "" ? "/" : path;
  return nearestFolder(path.slice(0, path.lastIndexOf("/")));
}
