// An address of an interface with everything that a person says when giving it.
import type { Address } from "./address.ts";
import type { Prefix } from "./prefix.ts";

/** An address that a person gave an interface. */
export interface GivenAddress {
  prefix: Prefix;
  /** The address of the other side, on a point-to-point link. */
  peer?: Address | undefined;
  broadcast?: Address | undefined;
  /** RT_SCOPE_…; the kernel works out that of an IPv6 address. */
  scope: number;
  /** The label of an IPv4 address, where it is not the interface's name. */
  label?: string | undefined;
  /** IFA_F_…, those of them that a person sets. */
  flags: number;
  /** The metric of the route to the subnet. */
  metric?: number | undefined;
}
