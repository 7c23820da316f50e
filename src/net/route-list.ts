// The routes of a namespace, as the kernel lists them. (linux/rtnetlink.h)
import { type Address, addressFromBytes, type Family } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import { type Attributes, type Reply, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { u16At, u32At } from "../sys/bytes.ts";
import { isErrno } from "../sys/errno.ts";
import { ofFamily } from "./address.ts";
import { type LinkRoute, routeHeader } from "./route.ts";

const RTNEXTHOP_BYTES = 8;

/** A filter of routes: of one link, of one origin (RTPROT_…), of one table. The kernel applies it. */
export interface RouteFilter {
  index?: number;
  protocol?: number;
  table?: number;
}

/** The routes of a family that fit the filter. Throws SystemError. */
export function listRoutes(socket: NetlinkSocket, family: Family, filter: RouteFilter): LinkRoute[] {
  const any: Prefix = { address: { family, value: 0n }, length: 0 };
  const message: Message = {
    what: "list routes",
    type: rt.RTM_GETROUTE,
    flags: 0,
    body: (w) => {
      routeHeader(w, any, { ...(filter.protocol === undefined ? {} : { protocol: filter.protocol }) });
      if (filter.index !== undefined) w.u32Attribute(rt.RTA_OIF, filter.index);
      if (filter.table !== undefined) w.u32Attribute(rt.RTA_TABLE, filter.table);
    },
  };
  const routes = ofFamily(dumpOf(socket, message), family).flatMap((reply) => readRoutes(reply, family));
  // The kernel shows a route through several links whole, with the links that were not asked for.
  return filter.index === undefined ? routes : routes.filter(({ index }) => index === filter.index);
}

/** The answers; none where there is no such table: the kernel makes one with its first route. */
function dumpOf(socket: NetlinkSocket, message: Message): Reply[] {
  try {
    return socket.dump(message);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

/**
 * The routes in an answer, one for each way: the kernel makes one route of IPv6 routes to one destination
 * (RTA_MULTIPATH).
 */
function readRoutes(reply: Reply, family: Family): LinkRoute[] {
  const attributes = readAttributes(reply.payload, 12);
  const route = readRoute(reply, family, attributes);
  const ways = attributes.bytes(rt.RTA_MULTIPATH);
  if (ways === undefined) return [route];
  const routes: LinkRoute[] = [];
  for (let at = 0; at + RTNEXTHOP_BYTES <= ways.length; ) {
    // struct rtnexthop: length, flags, hops, number of the link; then attributes.
    const way = ways.subarray(at, at + u16At(ways, at));
    if (way.length < RTNEXTHOP_BYTES) break;
    const gateway = readGateway(readAttributes(way, RTNEXTHOP_BYTES));
    routes.push({ ...route, index: u32At(way, 4), gateway });
    at += (way.length + 3) & ~3;
  }
  return routes;
}

/** The next router of a route's attributes; undefined where it has none, or one of another family. */
export function readGateway(attributes: Attributes): Address | undefined {
  const gateway = attributes.addressBytes(rt.RTA_GATEWAY);
  return gateway === undefined ? undefined : addressFromBytes(gateway);
}

function readRoute(reply: Reply, family: Family, attributes: Attributes): LinkRoute {
  const dst = attributes.addressBytes(rt.RTA_DST);
  const metrics = attributes.nest(rt.RTA_METRICS);
  return {
    index: attributes.u32(rt.RTA_OIF) ?? 0,
    dst: {
      address: dst === undefined ? { family, value: 0n } : addressFromBytes(dst),
      length: reply.payload[1] ?? 0,
    },
    gateway: readGateway(attributes),
    mtu: metrics?.u32(rt.RTAX_MTU),
    advmss: metrics?.u32(rt.RTAX_ADVMSS),
    priority: attributes.u32(rt.RTA_PRIORITY),
    table: attributes.u32(rt.RTA_TABLE) ?? reply.payload[4],
    scope: reply.payload[6],
    type: reply.payload[7],
    protocol: reply.payload[5],
  };
}
