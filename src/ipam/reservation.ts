// The input for a reservation of addresses.
import type { Address } from "../ip/address.ts";
import type { LeaseRange } from "../ip/range.ts";
import type { Claimant } from "./claimant.ts";

/** A claimant that wants one address of every range set. */
export interface AddressWish extends Claimant {
  rangeSets: readonly (readonly LeaseRange[])[];
  /** Addresses that the runtime asks for; each must lie in a set of its own. */
  requested?: readonly Address[] | undefined;
  lockTimeoutMs?: number | undefined;
  /**
   * True: a hint of another program stays as it is, since this ADD may be killed before it acts on it. That
   * costs round robin once.
   */
  keepsForeignHint?: boolean | undefined;
}
