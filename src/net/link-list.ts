// All links of a namespace, with what they have carried and where the other end of a pair is.
// (linux/rtnetlink.h, if_link.h)
import type { Reply } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { Device } from "./device.ts";
import { getLinkMessage, linkHeader } from "./link.ts";

/** A link with its counters. */
export class CountedLink extends Device {
  /** Bytes that came in by the link; 0 where the kernel does not count. */
  get received(): number {
    return this.counter(2);
  }

  /** Bytes that went out by the link. */
  get sent(): number {
    return this.counter(3);
  }

  /** struct rtnl_link_stats64: rx_packets, tx_packets, rx_bytes, tx_bytes… of eight bytes each. */
  private counter(place: number): number {
    return this.attributes.u64Of(rt.IFLA_STATS64, place) ?? 0;
  }
}

/** All links of the socket's namespace, with their counters. Throws SystemError. */
export function listCountedLinks(socket: NetlinkSocket): CountedLink[] {
  return listLinkReplies(socket).map((reply) => new CountedLink(reply));
}

/** All links as messages of the kernel. Throws SystemError. */
export function listLinkReplies(socket: NetlinkSocket): Reply[] {
  return socket.dump({
    what: "list all interfaces",
    type: rt.RTM_GETLINK,
    flags: 0,
    body: (w) => linkHeader(w),
  });
}

/**
 * A link in another namespace: the number that this namespace has for that one, and the link's index there.
 */
export interface FarLink {
  namespace: number;
  index: number;
}

/**
 * The links in other namespaces, asked for from here (IFLA_TARGET_NETNSID), so none is entered; undefined in
 * the place of each that is not there or may not be seen. Throws SystemError when the socket fails.
 */
export function getFarLinks(socket: NetlinkSocket, which: readonly FarLink[]): (Device | undefined)[] {
  const found: (Device | undefined)[] = [];
  for (let at = 0; at < which.length; at += MOST_AT_ONCE)
    for (const { replies } of socket.transact(which.slice(at, at + MOST_AT_ONCE).map(askFor)))
      found.push(replies[0] && new Device(replies[0]));
  return found;
}

/**
 * So many links fit into a socket's buffer of 208 kB: the kernel counts 2 to 3 kB for the answer about one.
 */
const MOST_AT_ONCE = 50;

function askFor({ namespace, index }: FarLink): Message {
  return getLinkMessage({ index }, namespace);
}
