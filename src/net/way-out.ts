// The way of packets out of the node, and the largest packet that it takes.
import type { Address, Family } from "../ip/address.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { getLink } from "./link.ts";
import { lookUpRoute, lookUpWay, type RouteWay } from "./route-look-up.ts";

/** The root name server A, as an address in the Internet: the way to it is the way out of the node. */
export const FAR_AWAY: Record<Family, Address> = {
  4: { family: 4, value: 0xc6290004n },
  6: { family: 6, value: 0x20010503ba3e00000000000000020030n },
};

export const DEFAULT_MTU = 1500;
/** Bytes that each link of IPv6 takes (RFC 8200, section 5). */
export const IPV6_LEAST_MTU = 1280;

/** The MTU of the way out in a family; undefined without one. Throws SystemError. */
export function wayOutMtu(family: Family, links: NetlinkSocket): number | undefined {
  const route = lookUpRoute(links, FAR_AWAY[family]);
  if (route === undefined) return undefined;
  return route.mtu ?? getLink(links, { index: route.index })?.mtu;
}

/** The node's way out in a family, with its router; undefined where there is none. Throws SystemError. */
export function describeWayOut(family: Family, links: NetlinkSocket): RouteWay | undefined {
  return lookUpWay(links, FAR_AWAY[family]);
}
