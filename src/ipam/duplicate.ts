// One attachment holds one set of addresses. What a dead attachment of the same name left is taken over.
import type { Claimant } from "./claimant.ts";
import { refuseExisting } from "./existing-attachment.ts";

/**
 * Refuses an attachment that exists already; clears one that is dead (another boot or host, a killed ADD, or
 * nothing of it is left) or that another program took down. The caller holds the lock, and knows that the pod
 * has no interface of that name. Throws CniError and SystemError.
 *
 * The record answers, so this costs the same beside a million leases. A lease that host-local made for the
 * same id and interface has no record and is not seen here; the scan of a DEL finds it.
 */
export function refuseDuplicate(claimant: Claimant): void {
  if (!claimant.records.hasRecord(claimant.key)) return;
  refuseExisting(claimant);
}
