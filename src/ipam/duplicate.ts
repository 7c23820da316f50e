// The check for a second attachment of one key: an attachment holds one set of addresses, and a dead one is
// cleared.
import type { Claimant } from "./claimant.ts";
import { refuseExisting } from "./existing-attachment.ts";

/**
 * Refuses an attachment that exists already; clears a dead attachment of that key (another boot or host, a
 * killed ADD, or nothing of it is left) and one that another program took down. The caller holds the lock,
 * and knows that the pod has no interface of that name. Throws CniError and SystemError.
 *
 * The record answers, so the cost is equal beside a million leases. A lease that host-local made for this id
 * and interface has no record and is not seen here; the scan of a DEL finds it.
 */
export function refuseDuplicate(claimant: Claimant): void {
  if (!claimant.records.hasRecord(claimant.key)) return;
  refuseExisting(claimant);
}
