// What is known of a network before its first pod comes. Pure.
import type { Netconf } from "../cni/config.ts";
import { hasPrefix, type Prefix, prefixContains } from "../ip/prefix.ts";
import { prefixRange, rangesOverlap } from "../ip/range.ts";
import type { GatewayStep } from "./step.ts";

/** The subnet of a range: `set` and `range` count from 0. */
export interface RangeSubnet {
  /**
   * The gateway where it lies in the subnet, else the subnet's own address; with the length of the subnet.
   */
  address: Prefix;
  set: number;
  range: number;
}

/**
 * The subnets that the node is to reach by an interface of the network: that of a bridge that is the gateway,
 * or those of pods without a bridge. None for other networks, of which the node has no address and no route.
 */
export function subnetsOfRanges({ isGateway, ipam }: Netconf): RangeSubnet[] {
  if (!isGateway) return [];
  return (ipam?.rangeSets ?? []).flatMap((ranges, set) =>
    ranges.map(({ subnet, gateway }, range) => {
      const isInside = gateway !== undefined && prefixContains(subnet, gateway);
      return { address: isInside ? { address: gateway, length: subnet.length } : subnet, set, range };
    }),
  );
}

/**
 * The step that gives the bridge of a network the gateway addresses of all ranges; undefined without a
 * bridge.
 */
export function gatewayStepOf(netconf: Netconf): GatewayStep | undefined {
  const { gatewayInterface } = netconf;
  if (gatewayInterface === undefined) return undefined;
  return {
    kind: "gateway",
    gatewayInterface,
    addresses: subnetsOfRanges(netconf).map(({ address }) => address),
    others: [],
    force: netconf.forceAddress,
  };
}

/**
 * The thing for which two networks cannot be on one node: `bridge`, which has one IPv4 gateway address and is
 * to have two; `subnet`, which overlaps one that the node reaches by another interface. Undefined: they can.
 */
export function clashOf(one: Netconf, other: Netconf): "bridge" | "subnet" | undefined {
  // Pods without a bridge have a route each.
  if (one.attach === "ptp" && other.attach === "ptp") return undefined;
  const ours = subnetsOfRanges(one).map(({ address }) => address);
  const theirs = subnetsOfRanges(other).map(({ address }) => address);
  if (one.attach === other.attach && one.gatewayInterface === other.gatewayInterface) {
    const isIpv4 = ({ address }: Prefix): boolean => address.family === 4;
    const mine = ours.filter(isIpv4);
    const isForeign = (each: Prefix): boolean => isIpv4(each) && !hasPrefix(mine, each);
    return mine.length > 0 && theirs.some(isForeign) ? "bridge" : undefined;
  }
  const overlap = ours.some((own) =>
    theirs.some((each) => rangesOverlap(prefixRange(own), prefixRange(each))),
  );
  return overlap ? "subnet" : undefined;
}
