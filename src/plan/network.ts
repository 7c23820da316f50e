// The common facts of all pods of a network. Pure.
import type { PodAddress } from "../attachment/attachment.ts";
import type { Netconf } from "../cni/config.ts";
import { sameAddress } from "../ip/address.ts";
import { hasPrefix, networkOf, type Prefix } from "../ip/prefix.ts";

/** The subnets of a network, which its pods reach without masquerading. */
export function networkSubnets(netconf: Netconf, addresses: PodAddress[]): Prefix[] {
  const subnets: Prefix[] = [];
  const add = (subnet: Prefix): void => {
    if (!hasPrefix(subnets, subnet)) subnets.push(subnet);
  };
  for (const ranges of netconf.ipam?.rangeSets ?? []) for (const { subnet } of ranges) add(subnet);
  for (const { address } of addresses) add(networkOf(address));
  return subnets;
}

/**
 * The gateway addresses of the ranges that the pod has no address of, with the lengths of their subnets, each
 * once.
 */
export function otherGateways({ ipam }: Netconf, addresses: readonly PodAddress[]): Prefix[] {
  const others: Prefix[] = [];
  for (const ranges of ipam?.rangeSets ?? []) {
    // The pod has an address of each set, so a set of one range has no other gateway.
    if (ranges.length === 1) continue;
    for (const { subnet, gateway } of ranges) {
      if (gateway === undefined) continue;
      const held = { address: gateway, length: subnet.length };
      if (!addresses.some((own) => isGatewayOf(own, held)) && !hasPrefix(others, held)) others.push(held);
    }
  }
  return others;
}

function isGatewayOf({ address, gateway }: PodAddress, held: Prefix): boolean {
  return gateway !== undefined && sameAddress(gateway, held.address) && address.length === held.length;
}
