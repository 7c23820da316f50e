// Routes: what one is made of, and the requests that add and delete it. (linux/rtnetlink.h)
import { type Address, addressBytes, formatAddress } from "../ip/address.ts";
import { formatPrefix, networkOf, type Prefix } from "../ip/prefix.ts";
import type { Message } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import type { Writer } from "../netlink/writer.ts";
import { familyNumber } from "./address.ts";

/** A route through one link. Absent numbers are the kernel's defaults. */
export interface LinkRoute {
  index: number;
  dst: Prefix;
  gateway?: Address | undefined;
  /** The gateway is on the link although no address of the link says so. */
  onLink?: boolean;
  /** The own address for packets that take the route; without it the kernel chooses. */
  source?: Address | undefined;
  mtu?: number | undefined;
  advmss?: number | undefined;
  priority?: number | undefined;
  table?: number | undefined;
  scope?: number | undefined;
  /** What becomes of packets (RTN_…); a new route lets them pass. */
  type?: number | undefined;
  /** The origin of the route (RTPROT_…); without it a new route counts as made by hand. */
  protocol?: number | undefined;
}

/** A route to add. */
export interface NewRoute extends LinkRoute {
  /** True: refused with EEXIST when there is any route to the destination, by whatever link. */
  isOnly?: boolean;
}

/**
 * Adds a route, even beside a route to this destination by another gateway or link: a pod on two networks may
 * have a default route by each. Refused with EEXIST when an equal route is there. Host bits of the
 * destination are dropped.
 */
export function addRouteMessage(route: NewRoute): Message {
  const dst = networkOf(route.dst);
  const via = route.gateway === undefined ? "" : ` via ${formatAddress(route.gateway)}`;
  return {
    what: `add route ${formatPrefix(dst)}${via}`,
    type: rt.RTM_NEWROUTE,
    flags: route.isOnly === true ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_CREATE,
    body: (w) => {
      // A table number above 255 only fits into the attribute.
      const table = route.table ?? rt.RT_TABLE_MAIN;
      const scope =
        route.scope ??
        (route.gateway === undefined && dst.address.family === 4 ? rt.RT_SCOPE_LINK : rt.RT_SCOPE_UNIVERSE);
      routeHeader(w, dst, {
        table: table > 255 ? rt.RT_TABLE_UNSPEC : table,
        protocol: route.protocol ?? rt.RTPROT_BOOT,
        scope,
        type: rt.RTN_UNICAST,
        flags: route.onLink === true ? rt.RTNH_F_ONLINK : 0,
      });
      if (dst.length > 0) w.attribute(rt.RTA_DST, addressBytes(dst.address));
      if (route.gateway !== undefined) w.attribute(rt.RTA_GATEWAY, addressBytes(route.gateway));
      if (route.source !== undefined) w.attribute(rt.RTA_PREFSRC, addressBytes(route.source));
      w.u32Attribute(rt.RTA_OIF, route.index).u32Attribute(rt.RTA_TABLE, table);
      if (route.priority !== undefined) w.u32Attribute(rt.RTA_PRIORITY, route.priority);
      writeMetrics(w, route);
    },
  };
}

/**
 * Deletes the one route with this destination, table, link, gateway, priority and origin. Refused with ESRCH
 * when there is none.
 */
export function deleteRouteMessage(route: LinkRoute): Message {
  const { dst, gateway, index, priority, protocol, table = rt.RT_TABLE_MAIN } = route;
  const via = gateway === undefined ? "" : ` via ${formatAddress(gateway)}`;
  return {
    what: `delete route ${formatPrefix(dst)}${via}`,
    type: rt.RTM_DELROUTE,
    flags: 0,
    body: (w) => {
      routeHeader(w, dst, {
        table: table > 255 ? rt.RT_TABLE_UNSPEC : table,
        // RT_SCOPE_NOWHERE stands for every scope (fib_table_delete in net/ipv4/fib_trie.c).
        scope: rt.RT_SCOPE_NOWHERE,
        ...(protocol === undefined ? {} : { protocol }),
      });
      if (dst.length > 0) w.attribute(rt.RTA_DST, addressBytes(dst.address));
      if (gateway !== undefined) w.attribute(rt.RTA_GATEWAY, addressBytes(gateway));
      w.u32Attribute(rt.RTA_OIF, index).u32Attribute(rt.RTA_TABLE, table);
      if (priority !== undefined) w.u32Attribute(rt.RTA_PRIORITY, priority);
    },
  };
}

function writeMetrics(w: Writer, { mtu, advmss }: LinkRoute): void {
  if (mtu === undefined && advmss === undefined) return;
  w.nest(rt.RTA_METRICS, () => {
    if (mtu !== undefined) w.u32Attribute(rt.RTAX_MTU, mtu);
    if (advmss !== undefined) w.u32Attribute(rt.RTAX_ADVMSS, advmss);
  });
}

interface RouteFields {
  sourceLength?: number;
  table?: number;
  protocol?: number;
  scope?: number;
  type?: number;
  flags?: number;
}

/** Writes struct rtmsg. */
export function routeHeader(
  w: Writer,
  dst: Prefix,
  { sourceLength = 0, table = 0, protocol = 0, scope = 0, type = 0, flags = 0 }: RouteFields,
): void {
  w.u8(familyNumber(dst.address.family))
    .u8(dst.length)
    .u8(sourceLength)
    .u8(0)
    .u8(table)
    .u8(protocol)
    .u8(scope)
    .u8(type)
    .u32(flags);
}
