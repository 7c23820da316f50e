// What is known of a network before its first pod comes. Pure.
import type { Netconf } from "../cni/config.ts";
import { type Prefix, samePrefix } from "../ip/prefix.ts";
import { prefixRange, rangesOverlap } from "../ip/range.ts";
import type { GatewayStep } from "./step.ts";

/** A gateway address, and the range that has it: `set` and `range` count from 0. */
export interface RangeGateway {
  address: Prefix;
  set: number;
  range: number;
}

/** The gateway addresses that the bridge of a network gets by and by; none where it is no gateway. */
export function gatewaysOfRanges({ attach, isGateway, ipam }: Netconf): RangeGateway[] {
  if (attach !== "bridge" || !isGateway) return [];
  return (ipam?.rangeSets ?? []).flatMap((ranges, set) =>
    ranges.flatMap(({ subnet: { length }, gateway }, range) =>
      gateway === undefined ? [] : [{ address: { address: gateway, length }, set, range }],
    ),
  );
}

/** The step that gives the bridge of a network the gateway addresses of all ranges. */
export function gatewayStepOf(netconf: Netconf): GatewayStep {
  return {
    kind: "gateway",
    gatewayInterface: netconf.gatewayInterface,
    addresses: gatewaysOfRanges(netconf).map(({ address }) => address),
    others: [],
    force: netconf.forceAddress,
  };
}

/**
 * The thing for which the gateways of two networks cannot be on one node: `bridge`, which has one IPv4
 * gateway address and is to have two; `subnet`, which overlaps one on another bridge. Undefined: they can.
 */
export function clashOf(one: Netconf, other: Netconf): "bridge" | "subnet" | undefined {
  const [ours, theirs] = [one, other].map((each) => gatewaysOfRanges(each).map(({ address }) => address));
  if (ours === undefined || theirs === undefined || ours.length === 0 || theirs.length === 0)
    return undefined;
  if (one.gatewayInterface === other.gatewayInterface) {
    const isIpv4 = ({ address }: Prefix): boolean => address.family === 4;
    const mine = ours.filter(isIpv4);
    const isForeign = (each: Prefix): boolean => !mine.some((own) => samePrefix(own, each));
    return mine.length > 0 && theirs.filter(isIpv4).some(isForeign) ? "bridge" : undefined;
  }
  const overlap = ours.some((own) =>
    theirs.some((each) => rangesOverlap(prefixRange(own), prefixRange(each))),
  );
  return overlap ? "subnet" : undefined;
}
