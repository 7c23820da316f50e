// Reserving addresses for an attachment: one of every range set, all of them or none, under one lock.
import { CniError } from "../cni/error.ts";
import { type Address, formatAddress } from "../ip/address.ts";
import { needsBootSweep } from "../record/boot-marker.ts";
import { SystemError } from "../sys/errno.ts";
import { removeFile } from "../sys/file.ts";
import { sweepEarlierBoots } from "./boot-sweep.ts";
import { type Attachment, refuseDuplicate } from "./duplicate.ts";
import { collectFailures, explained, explainedError } from "./failure.ts";
import { writeHint } from "./hint.ts";
import type { Lease, LeaseRange } from "./lease.ts";
import { createLease, leasePath } from "./lease-file.ts";
import { openLeaseLock } from "./lease-lock.ts";
import { chooseLeases } from "./selection.ts";

export interface Reservation extends Attachment {
  rangeSets: readonly (readonly LeaseRange[])[];
  /** Addresses that the runtime asks for; each must lie in a set of its own. */
  requested?: readonly Address[] | undefined;
  /** Called under the lock when the addresses are chosen and before they are taken: write the intent here. */
  beforeCommit(leases: Lease[]): void;
  lockTimeoutMs?: number | undefined;
  /**
   * True: a hint of another program stays as it is, for who has to act on it may be killed before. It costs
   * round robin once.
   */
  keepsForeignHint?: boolean | undefined;
}

/**
 * Reserves addresses and gives them in the order of the sets. When it throws, no lease of this call is left;
 * an intent that beforeCommit wrote is the caller's to abandon. Throws CniError: duplicateAttachment,
 * poolExhausted, invalidConfig, tryAgainLater, leaseStore, recordStore, or what the callbacks throw.
 */
export function reserve(reservation: Reservation): Lease[] {
  const { key, directory, lockTimeoutMs } = reservation;
  const attempted = `reserve addresses for container ${key.containerId}, interface ${key.interfaceName}`;
  return explained("leaseStore", attempted, () => {
    using _lock = openLeaseLock(directory, lockTimeoutMs);
    explained("recordStore", attempted, () => {
      if (needsBootSweep(reservation.records, key.network, directory, reservation.host))
        sweepEarlierBoots({ ...reservation, network: key.network });
      refuseDuplicate(reservation);
    });
    const leases = chooseLeases(reservation);
    explained("recordStore", attempted, () => reservation.beforeCommit(leases));
    takeAll(reservation, leases);
    for (const lease of leases)
      if (!(lease.givenByOthers && reservation.keepsForeignHint === true)) writeHint(directory, lease);
    return leases;
  });
}

function takeAll({ directory, key }: Reservation, leases: Lease[]): void {
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
