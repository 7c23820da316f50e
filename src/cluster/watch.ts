// What an apply makes is watched by the kernel's own notifications, so that an agent applies its wish again
// at once. Events of pods that come and go are none of it.
import type { Node } from "../host/node.ts";
import { type Reply, readAttributes } from "../netlink/reader.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { NETLINK_NETFILTER, NETLINK_ROUTE } from "../netlink/uapi/netlink.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { isNodeTableEvent, listSources } from "../nft/node-layout.ts";
import { u32At } from "../sys/bytes.ts";
import { monotonicMs } from "../sys/clock.ts";
import { isErrno } from "../sys/errno.ts";
import { ROUTE_PROTOCOL } from "./route.ts";
import { WatchedLinks } from "./watched-links.ts";

/** The kinds of what changed, for programs. docs/node.md has them as a table, and they stay. */
export const KINDS = ["rules", "routes", "tunnel", "links", "addresses", "forwarding", "unknown"] as const;

/** `unknown`: events were lost, and anything may have changed. */
export type Changed = (typeof KINDS)[number];

/**
 * Waits until one of the descriptors can be read, `timeoutMs` at most, or without limit (-1). False: the
 * watching is over.
 */
export type Waits = (descriptors: readonly number[], timeoutMs: number) => boolean;

/** A change is told so long after its first event, once, however many events it has. */
const GATHER_MS = 50;

/** So many receives are made before what they have brought is told. */
const MOST_RECEIVES = 1000;

/** Bytes: the kernel counts about 1 kB for an event, and a node that starts has thousands. */
const ROOM = 4 * 1024 * 1024;

const ROUTE_GROUPS = [
  rt.RTNLGRP_LINK,
  rt.RTNLGRP_NEIGH,
  rt.RTNLGRP_IPV4_IFADDR,
  rt.RTNLGRP_IPV6_IFADDR,
  rt.RTNLGRP_IPV4_ROUTE,
  rt.RTNLGRP_IPV6_ROUTE,
  rt.RTNLGRP_IPV4_NETCONF,
  rt.RTNLGRP_IPV6_NETCONF,
];

/**
 * Watches until `waits` says that it is over. Gives the empty list when it has begun, then what changed, each
 * kind once in 50 ms. Throws SystemError.
 */
export function* watchNode(node: Node, waits: Waits): Generator<readonly Changed[]> {
  // The caller may go from now on.
  if (!waits([], 0)) return;
  using network = NetlinkSocket.open(NETLINK_ROUTE, ROUTE_GROUPS);
  using rules = NetlinkSocket.open(NETLINK_NETFILTER, [nft.NFNLGRP_NFTABLES]);
  for (const socket of [network, rules]) socket.makeRoomForEvents(ROOM);
  const watch = new Watch(node);
  yield [];
  while (waits([network.fd, rules.fd], watch.restMs)) {
    watch.hear(network, (reply) => watch.network(reply));
    watch.hear(rules, ({ type, payload }) => (isNodeTableEvent(type, payload) ? "rules" : undefined));
    const changed = watch.due();
    if (changed.length > 0) yield changed;
  }
}

/** What has been heard and not been told. */
class Watch {
  private readonly node: Node;
  private readonly links = new WatchedLinks();
  private readonly changed = new Set<Changed>();
  /** The sockets that have lost events and are not empty yet. */
  private readonly losing = new Set<NetlinkSocket>();
  private dueAt = 0;

  constructor(node: Node) {
    this.node = node;
    this.look();
  }

  /** How long there is nothing to tell; -1: until the next event. */
  get restMs(): number {
    return this.changed.size === 0 ? -1 : Math.max(0, Math.ceil(this.dueAt - monotonicMs()));
  }

  /** Hears the events that are there, very many in parts. */
  hear(socket: NetlinkSocket, read: (reply: Reply) => Changed | undefined): void {
    for (let receives = 0; receives < MOST_RECEIVES; receives++) {
      const events = receive(socket);
      if (events?.length === 0) return this.noteLost(socket);
      if (events === undefined) this.losing.add(socket);
      for (const reply of events ?? []) this.note(read(reply));
    }
  }

  /**
   * A socket that has lost events is empty. Until then the kernel goes on to lose events, and does not say so
   * again: only now the node can be looked at.
   */
  private noteLost(socket: NetlinkSocket): void {
    if (this.losing.delete(socket)) this.note("unknown");
  }

  private note(changed: Changed | undefined): void {
    if (changed === undefined) return;
    if (this.changed.size === 0) this.dueAt = monotonicMs() + GATHER_MS;
    this.changed.add(changed);
  }

  /** What is to be told now. */
  due(): Changed[] {
    if (this.changed.size === 0 || monotonicMs() < this.dueAt) return [];
    const told = [...this.changed];
    this.changed.clear();
    if (told.includes("unknown")) this.look();
    else if (told.includes("rules")) this.learnSubnets();
    return told;
  }

  /** Looks at the node; where that changes too fast, once more in a while. */
  private look(): void {
    try {
      this.learnSubnets();
      this.links.read(this.node);
    } catch (error) {
      if (!isErrno(error, "EAGAIN")) throw error;
      this.note("unknown");
    }
  }

  /** While the table is away, the subnets are those that it had. */
  private learnSubnets(): void {
    const found = listSources(this.node.rules);
    if (found.length > 0) this.links.podSubnets = found;
  }

  /** An event of rtnetlink. */
  network(reply: Reply): Changed | undefined {
    switch (reply.type) {
      case rt.RTM_NEWLINK:
      case rt.RTM_DELLINK:
        return this.links.hearLink(reply);
      case rt.RTM_NEWADDR:
      case rt.RTM_DELADDR:
        return this.links.hearAddress(reply);
      case rt.RTM_NEWROUTE:
      case rt.RTM_DELROUTE:
        return isRouteThatMatters(reply) ? "routes" : undefined;
      case rt.RTM_NEWNEIGH:
      case rt.RTM_DELNEIGH:
        return this.isEntry(reply) ? "tunnel" : undefined;
      case rt.RTM_NEWNETCONF:
        return isForwardingOff(reply) ? "forwarding" : undefined;
      default:
        return undefined;
    }
  }

  /**
   * An entry of the tunnel device. The kernel itself makes and forgets neighbours that it has asked for; what
   * somebody else wanted has that one's number. The device learns no MACs, so all of those are wanted.
   */
  private isEntry({ payload, port }: Reply): boolean {
    return this.links.isTunnel(u32At(payload, 4)) && (payload[0] === rt.AF_BRIDGE || port !== 0);
  }
}

/** The events that are there; undefined where some were lost. */
function receive(socket: NetlinkSocket): Reply[] | undefined {
  try {
    return socket.receive("watch the node", 0);
  } catch (error) {
    if (isErrno(error, "ENOBUFS")) return undefined;
    throw error;
  }
}

/**
 * A route of ours, or one of another program on which ours depend: one without a gateway makes a node on its
 * subnet a direct neighbour, and one that goes may have been in the place of ours. The kernel's own routes go
 * with addresses, and those to a single address are of pods.
 */
function isRouteThatMatters({ type, payload }: Reply): boolean {
  // struct rtmsg
  const [family, length = 0, , , table, protocol, , kind] = payload;
  if (table !== rt.RT_TABLE_MAIN) return false;
  if (protocol === ROUTE_PROTOCOL) return true;
  const isWhole = length === (family === rt.AF_INET ? 32 : 128);
  if (protocol === rt.RTPROT_KERNEL || isWhole) return false;
  if (type === rt.RTM_DELROUTE) return length > 0;
  const attributes = readAttributes(payload, 12);
  const ways = [rt.RTA_GATEWAY, rt.RTA_VIA, rt.RTA_MULTIPATH];
  return kind === rt.RTN_UNICAST && ways.every((each) => attributes.bytes(each) === undefined);
}

/** Forwarding of a family switched off for all interfaces (struct netconfmsg). */
function isForwardingOff({ payload }: Reply): boolean {
  const attributes = readAttributes(payload, 4);
  const index = attributes.u32(rt.NETCONFA_IFINDEX) ?? 0;
  return (index | 0) === rt.NETCONFA_IFINDEX_ALL && attributes.u32(rt.NETCONFA_FORWARDING) === 0;
}
