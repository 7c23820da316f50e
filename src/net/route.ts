// Routes. (linux/rtnetlink.h)
import {
  type Address,
  addressBytes,
  addressFromBytes,
  type Family,
  familyBits,
  formatAddress,
} from "../ip/address.ts";
import { formatPrefix, networkOf, type Prefix } from "../ip/prefix.ts";
import { type Attributes, type Reply, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import type { Writer } from "../netlink/writer.ts";
import { u16At, u32At } from "../sys/bytes.ts";
import { familyNumber } from "./address.ts";

const RTNEXTHOP_BYTES = 8;

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
  table?: number;
  protocol?: number;
  scope?: number;
  type?: number;
  flags?: number;
}

/** struct rtmsg */
function routeHeader(
  w: Writer,
  dst: Prefix,
  { table = 0, protocol = 0, scope = 0, type = 0, flags = 0 }: RouteFields,
): void {
  w.u8(familyNumber(dst.address.family))
    .u8(dst.length)
    .u8(0)
    .u8(0)
    .u8(table)
    .u8(protocol)
    .u8(scope)
    .u8(type)
    .u32(flags);
}

/** The way of a packet: its link, and the MTU of the route if it has one. */
export interface RouteChoice {
  index: number;
  mtu: number | undefined;
}

/** True for an address of this machine. Throws SystemError. */
export function isLocalAddress(socket: NetlinkSocket, address: Address): boolean {
  const reply = socket.transact([lookUpMessage(address)])[0]?.replies[0];
  // struct rtmsg: the type is its eighth byte.
  return reply !== undefined && reply.payload[7] === rt.RTN_LOCAL;
}

/**
 * The index of the link that has the address, which is one of this machine's; undefined: none has it. One
 * look-up, however many links there are. Throws SystemError.
 */
export function findLocalRoute(socket: NetlinkSocket, address: Address): number | undefined {
  const reply = socket.transact([lookUpMessage(address, rt.RTM_F_FIB_MATCH)])[0]?.replies[0];
  if (reply === undefined || reply.payload[7] !== rt.RTN_LOCAL) return undefined;
  return readAttributes(reply.payload, 12).u32(rt.RTA_OIF);
}

/**
 * The route of a packet to `address`: one look-up, however many routes there are. Undefined without a route.
 * Throws SystemError for any other refusal.
 */
export function lookUpRoute(socket: NetlinkSocket, address: Address): RouteChoice | undefined {
  const [outcome] = socket.transact([lookUpMessage(address)]);
  return readChoice(outcome?.replies[0]);
}

/** The kernel refuses when there is no way out: unreachable, prohibited, blackhole. */
function readChoice(reply: Reply | undefined): RouteChoice | undefined {
  if (reply === undefined) return undefined;
  const attributes = readAttributes(reply.payload, 12);
  const index = attributes.u32(rt.RTA_OIF);
  return index === undefined ? undefined : { index, mtu: attributes.nest(rt.RTA_METRICS)?.u32(rt.RTAX_MTU) };
}

/** The way of a packet with what people know it by. */
export interface RouteWay extends RouteChoice {
  /** The next router; undefined where the destination is on the link, or the router has another family. */
  gateway: Address | undefined;
  /** The own address that the packet gets. */
  source: Address | undefined;
}

/** As {@link lookUpRoute}, with the next router and the own address. Throws SystemError. */
export function lookUpWay(socket: NetlinkSocket, address: Address): RouteWay | undefined {
  const [outcome] = socket.transact([lookUpMessage(address)]);
  const reply = outcome?.replies[0];
  if (reply === undefined) return undefined;
  const attributes = readAttributes(reply.payload, 12);
  const index = attributes.u32(rt.RTA_OIF);
  if (index === undefined) return undefined;
  const addressOf = (attribute: number): Address | undefined => {
    const bytes = attributes.addressBytes(attribute);
    return bytes && addressFromBytes(bytes);
  };
  const mtu = attributes.nest(rt.RTA_METRICS)?.u32(rt.RTAX_MTU);
  return { index, mtu, gateway: addressOf(rt.RTA_GATEWAY), source: addressOf(rt.RTA_PREFSRC) };
}

/** The routes of packets to each address, by one exchange; undefined in the place of each without a route. */
export function lookUpRoutes(
  socket: NetlinkSocket,
  addresses: readonly Address[],
): (RouteChoice | undefined)[] {
  const choices: (RouteChoice | undefined)[] = [];
  for (let at = 0; at < addresses.length; at += MOST_LOOK_UPS) {
    const messages = addresses.slice(at, at + MOST_LOOK_UPS).map((address) => lookUpMessage(address));
    for (const { replies } of socket.transact(messages)) choices.push(readChoice(replies[0]));
  }
  return choices;
}

/** So many answers about routes fit into a socket's buffer of 208 kB. */
const MOST_LOOK_UPS = 100;
/**
 * The links by which the node reaches addresses without a gateway, one for each; undefined for an address
 * that is behind a gateway, out of reach, or the node's own. Throws SystemError when the socket fails.
 */
export function lookUpDirectLinks(
  socket: NetlinkSocket,
  addresses: readonly Address[],
): (number | undefined)[] {
  if (addresses.length === 0) return [];
  return socket.transact(addresses.map((address) => lookUpMessage(address))).map(({ replies: [reply] }) => {
    // struct rtmsg: the type is its eighth byte.
    if (reply === undefined || reply.payload[7] !== rt.RTN_UNICAST) return undefined;
    const attributes = readAttributes(reply.payload, 12);
    const hasGateway = [rt.RTA_GATEWAY, rt.RTA_VIA].some((type) => attributes.bytes(type) !== undefined);
    return hasGateway ? undefined : attributes.u32(rt.RTA_OIF);
  });
}

/** With RTM_F_FIB_MATCH the answer is the entry that fits, and not the way that follows from it. */
function lookUpMessage(address: Address, flags = 0): Message {
  return {
    what: `look up the route to ${formatAddress(address)}`,
    type: rt.RTM_GETROUTE,
    flags: 0,
    body: (w) => {
      routeHeader(w, { address, length: familyBits(address.family) }, { flags });
      w.attribute(rt.RTA_DST, addressBytes(address));
    },
  };
}

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
  const routes = socket.dump(message).flatMap((reply) => readRoutes(reply, family));
  // The kernel shows a route through several links whole, with the links that were not asked for.
  return filter.index === undefined ? routes : routes.filter(({ index }) => index === filter.index);
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

function readGateway(attributes: Attributes): Address | undefined {
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
    protocol: reply.payload[5],
  };
}
