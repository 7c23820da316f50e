// The reservation of addresses for an attachment: one of every range set, all of them or none, under one
// lock.
import { CniError } from "../cni/error.ts";
import { type Address, formatAddress } from "../ip/address.ts";
import { needsBootSweep } from "../record/boot-marker.ts";
import { SystemError } from "../sys/errno.ts";
import { type FileHandle, removeFile } from "../sys/file.ts";
import { sweepEarlierBoots } from "./boot-sweep.ts";
import { reservationOf } from "./claimant.ts";
import { refuseDuplicate } from "./duplicate.ts";
import { collectFailures, explained, explainedError } from "./failure.ts";
import { writeHint } from "./hint.ts";
import type { Lease } from "./lease.ts";
import { createLease, leasePath } from "./lease-file.ts";
import { openLeaseLock } from "./lease-lock.ts";
import type { AddressWish } from "./reservation.ts";
import { chooseLeases } from "./selection.ts";

/**
 * Addresses that are chosen and not yet taken. The lock of the lease directory is held until the end of the
 * `using` block, so no other process chooses them. The intent is written between the choice and {@link take}.
 */
export class Reservation implements Disposable {
  /** The chosen leases, in the order of the range sets. */
  readonly leases: Lease[];
  private readonly wish: AddressWish;
  private readonly lock: FileHandle;

  private constructor(wish: AddressWish, lock: FileHandle, leases: Lease[]) {
    this.wish = wish;
    this.lock = lock;
    this.leases = leases;
  }

  /**
   * Takes the lock, refuses a second attachment of the claimant's name, and chooses. Throws CniError:
   * duplicateAttachment, poolExhausted, invalidConfig, tryAgainLater, leaseStore, recordStore.
   */
  static open(wish: AddressWish): Reservation {
    const attempted = (): string => reservationOf(wish);
    return explained("leaseStore", attempted, () => {
      const lock = openLeaseLock(wish.directory, wish.lockTimeoutMs);
      try {
        explained("recordStore", attempted, () => clearTheWay(wish));
        return new Reservation(wish, lock, chooseLeases(wish));
      } catch (error) {
        lock.close();
        throw error;
      }
    });
  }

  /** Takes the addresses. When it throws, no lease of this call is left. Throws CniError. */
  take(): void {
    const { leases, wish } = this;
    const attempted = (): string => reservationOf(wish);
    explained("leaseStore", attempted, () => {
      takeAll(wish, leases);
      for (const lease of leases)
        if (!(lease.givenByOthers && wish.keepsForeignHint === true)) writeHint(wish.directory, lease);
    });
  }

  [Symbol.dispose](): void {
    this.lock.close();
  }
}

/**
 * Frees the leases of attachments of an earlier boot, once in a boot, and those of a dead attachment of the
 * claimant's name.
 */
function clearTheWay(wish: AddressWish): void {
  const { records, key, directory, host } = wish;
  const { network } = key;
  if (needsBootSweep({ records, network, directory }, host)) sweepEarlierBoots({ ...wish, network });
  refuseDuplicate(wish);
}

function takeAll({ directory, key }: AddressWish, leases: Lease[]): void {
  const taken: string[] = [];
  try {
    for (const {
      address: { address },
    } of leases) {
      if (!createLease(directory, address, key)) throw takenMeanwhile(directory, address);
      taken.push(leasePath(directory, address));
    }
  } catch (error) {
    const failures = collectFailures(taken, removeFile);
    throw withLeft(error, `take ${leases.length} addresses`, failures);
  }
}

function takenMeanwhile(directory: string, address: Address): CniError {
  return new CniError("tryAgainLater", {
    about: `${formatAddress(address)} was taken meanwhile in ${directory}`,
    cause: "another program writes leases there without taking the lock",
    hint: "Let only plugins that lock this directory as host-local does use it",
  });
}

/** The failure, with the leases that rollback could not take back. */
function withLeft(error: unknown, attempted: string, failures: SystemError[]): unknown {
  const known = error instanceof SystemError ? explainedError("leaseStore", attempted, error) : error;
  return known instanceof CniError ? known.withNotUndone(failures.map(({ message }) => message)) : known;
}
