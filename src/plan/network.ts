// The common facts of all pods of a network. Pure.
import type { PodAddress } from "../attachment/attachment.ts";
import type { Netconf } from "../cni/config.ts";
import { networkOf, type Prefix, samePrefix } from "../ip/prefix.ts";

/** The subnets of a network, which its pods reach without masquerading. */
export function networkSubnets(netconf: Netconf, addresses: PodAddress[]): Prefix[] {
  const subnets: Prefix[] = [];
  const add = (subnet: Prefix): void => {
    for (const known of subnets) if (samePrefix(known, subnet)) return;
    subnets.push(subnet);
  };
  for (const ranges of netconf.ipam?.rangeSets ?? []) for (const { subnet } of ranges) add(subnet);
  for (const { address } of addresses) add(networkOf(address));
  return subnets;
}
