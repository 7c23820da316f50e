// The ways of packets, as the kernel looks them up: one answer, however many routes there are.
// (linux/rtnetlink.h)
import { type Address, addressBytes, addressFromBytes, formatAddress } from "../ip/address.ts";
import { wholeOf } from "../ip/prefix.ts";
import { type Attributes, type Reply, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import type { SystemError } from "../sys/errno.ts";
import { routeHeader } from "./route.ts";
import { readGateway } from "./route-list.ts";

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
  const [entry] = lookUpEntries(socket, [address]);
  return entry?.isLocal === true ? entry.index : undefined;
}

/** The entry of the routing tables that an address meets. */
export interface RouteEntry {
  /** The link that has the address, or by which packets go there. */
  index: number;
  /** The address is one of this machine's. */
  isLocal: boolean;
  /** Packets go to the address itself, and not to a router. */
  isDirect: boolean;
  /** The length of the prefix. */
  length: number;
}

/**
 * The entries that addresses meet, by one exchange, however many routes there are; undefined in the place of
 * each that leads by no link. Throws SystemError when the socket fails.
 */
export function lookUpEntries(
  socket: NetlinkSocket,
  addresses: readonly Address[],
): (RouteEntry | undefined)[] {
  if (addresses.length === 0) return [];
  const messages = addresses.map((address) => lookUpMessage(address, rt.RTM_F_FIB_MATCH));
  return socket.transact(messages).map(({ replies: [reply] }) => {
    if (reply === undefined) return undefined;
    // struct rtmsg: the length of the destination is its second byte, the type its eighth.
    const [length = 0, type] = [reply.payload[1], reply.payload[7]];
    const attributes = readAttributes(reply.payload, 12);
    const index = attributes.u32(rt.RTA_OIF);
    const isDirect = type === rt.RTN_UNICAST && !hasRouter(attributes);
    return index === undefined ? undefined : { index, length, isLocal: type === rt.RTN_LOCAL, isDirect };
  });
}

function hasRouter(attributes: Attributes): boolean {
  return [rt.RTA_GATEWAY, rt.RTA_VIA].some((type) => attributes.bytes(type) !== undefined);
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

/**
 * As {@link lookUpRoute}, with the next router and the own address; with `source`, for a packet from that
 * address of this machine. Throws SystemError.
 */
export function lookUpWay(socket: NetlinkSocket, address: Address, source?: Address): RouteWay | undefined {
  const [outcome] = socket.transact([lookUpMessage(address, 0, source)]);
  return readWay(outcome?.replies[0]);
}

function readWay(reply: Reply | undefined): RouteWay | undefined {
  const choice = readChoice(reply);
  if (reply === undefined || choice === undefined) return undefined;
  const attributes = readAttributes(reply.payload, 12);
  const source = attributes.addressBytes(rt.RTA_PREFSRC);
  return { ...choice, gateway: readGateway(attributes), source: source && addressFromBytes(source) };
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
 * How the node reaches an address: by a link without a gateway, by a `router` or by itself (its own address),
 * or not at all.
 */
export type DirectWay = { index: number } | "router" | "own" | "none";

/** The ways to addresses, one for each. Throws SystemError when the socket fails. */
export function lookUpDirectWays(socket: NetlinkSocket, addresses: readonly Address[]): DirectWay[] {
  if (addresses.length === 0) return [];
  return socket.transact(addresses.map((address) => lookUpMessage(address))).map(({ replies: [reply] }) => {
    // struct rtmsg: the type is its eighth byte. Without a route there is no reply, or one of another type.
    const type = reply?.payload[7];
    if (type === rt.RTN_LOCAL) return "own";
    if (reply === undefined || type !== rt.RTN_UNICAST) return "none";
    const attributes = readAttributes(reply.payload, 12);
    if (hasRouter(attributes)) return "router";
    const index = attributes.u32(rt.RTA_OIF);
    return index === undefined ? "none" : { index };
  });
}

/** A packet that comes into this machine. */
export interface IncomingPacket {
  source: Address;
  destination: Address;
  /** The index of the link by which it comes in. */
  input: number;
}

/** What becomes of a packet that came in: it is for this machine, goes on, or is refused with an error. */
export interface Forwarding {
  isLocal: boolean;
  way: RouteWay | undefined;
  error: SystemError | undefined;
}

/**
 * What the kernel does with packets that come in, as it looks at them itself: rules and routes, and of IPv4
 * also forwarding of the link and rp_filter. Throws SystemError when the socket fails.
 */
export function lookUpForwarding(socket: NetlinkSocket, packets: readonly IncomingPacket[]): Forwarding[] {
  const found: Forwarding[] = [];
  for (let at = 0; at < packets.length; at += MOST_LOOK_UPS)
    for (const { replies, error } of socket.transact(
      packets.slice(at, at + MOST_LOOK_UPS).map(incomingMessage),
    ))
      found.push({ isLocal: replies[0]?.payload[7] === rt.RTN_LOCAL, way: readWay(replies[0]), error });
  return found;
}

function incomingMessage({ source, destination, input }: IncomingPacket): Message {
  const whole = wholeOf(destination);
  return {
    what: `look up the way from ${formatAddress(source)} to ${formatAddress(destination)}`,
    type: rt.RTM_GETROUTE,
    flags: 0,
    body: (w) => {
      routeHeader(w, whole, { sourceLength: whole.length });
      w.attribute(rt.RTA_DST, addressBytes(destination))
        .attribute(rt.RTA_SRC, addressBytes(source))
        .u32Attribute(rt.RTA_IIF, input);
    },
  };
}

/** With RTM_F_FIB_MATCH the answer is the entry that fits, and not the way that follows from it. */
function lookUpMessage(address: Address, flags = 0, source?: Address): Message {
  return {
    what: `look up the route to ${formatAddress(address)}`,
    type: rt.RTM_GETROUTE,
    flags: 0,
    body: (w) => {
      const whole = wholeOf(address);
      routeHeader(w, whole, { flags, sourceLength: source === undefined ? 0 : whole.length });
      w.attribute(rt.RTA_DST, addressBytes(address));
      if (source !== undefined) w.attribute(rt.RTA_SRC, addressBytes(source));
    },
  };
}
