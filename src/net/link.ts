// Links (network interfaces): requests for them and the kernel's answers. (linux/rtnetlink.h, if_link.h)

import { macBytes } from "../ip/mac.ts";
import { type Attributes, type Reply, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import type { Writer } from "../netlink/writer.ts";
import { u32At } from "../sys/bytes.ts";
import { errnoOf, isErrno } from "../sys/errno.ts";

/**
 * A link as the kernel shows it. A property is read when it is asked for: the kernel tells forty things, and
 * callers look at a few.
 */
export class Link {
  protected readonly payload: Uint8Array;
  protected readonly attributes: Attributes;
  private lastInfo: Attributes | undefined;
  private lastPort: LinkPort | undefined;

  /** From RTM_NEWLINK. */
  constructor({ payload }: Reply) {
    this.payload = payload;
    this.attributes = readAttributes(payload, 16);
  }

  private get info(): Attributes | undefined {
    this.lastInfo ??= this.attributes.nest(rt.IFLA_LINKINFO);
    return this.lastInfo;
  }

  get index(): number {
    return u32At(this.payload, 4);
  }

  get name(): string {
    return this.attributes.string(rt.IFLA_IFNAME) ?? "";
  }

  /** `bridge`, `veth`…; empty for hardware and for `lo`. */
  get kind(): string {
    return this.info?.string(rt.IFLA_INFO_KIND) ?? "";
  }

  /** All that the kernel tells of a link of its kind, in one text that changes with it. */
  get description(): string {
    return (this.attributes.bytes(rt.IFLA_LINKINFO) ?? []).join(" ");
  }

  get up(): boolean {
    return (u32At(this.payload, 8) & rt.IFF_UP) !== 0;
  }

  get isLoopback(): boolean {
    return (u32At(this.payload, 8) & rt.IFF_LOOPBACK) !== 0;
  }

  get promiscuous(): boolean {
    return (u32At(this.payload, 8) & rt.IFF_PROMISC) !== 0;
  }

  get mtu(): number {
    return this.attributes.u32(rt.IFLA_MTU) ?? 0;
  }

  /** Lower-case colon form; empty for links that have none. */
  get mac(): string {
    return formatMac(this.attributes.bytes(rt.IFLA_ADDRESS));
  }

  /** The index of the bridge (or other master) that the link is a port of; 0: none. */
  get master(): number {
    return this.attributes.u32(rt.IFLA_MASTER) ?? 0;
  }

  /**
   * The index of a veth's peer, in the peer's namespace; 0: none. The kernel leaves it out when it equals the
   * link's own.
   */
  get peerIndex(): number {
    return this.attributes.u32(rt.IFLA_LINK) ?? 0;
  }

  /** The index of the other end of a veth, in the namespace of that. */
  get otherEnd(): number {
    return this.peerIndex === 0 ? this.index : this.peerIndex;
  }

  /**
   * The number by which this namespace knows the one of the other end (net/namespace-id.ts); undefined where
   * the other end is in this namespace too, or there is none. -1: the namespace of the other end is dying.
   */
  get peerNamespace(): number | undefined {
    const id = this.attributes.u32(rt.IFLA_LINK_NETNSID);
    return id === undefined ? undefined : id | 0;
  }

  /** The kernel hears the other end; what else it says of that, operState, comes up to a second later. */
  get hasCarrier(): boolean {
    return this.attributes.u8(rt.IFLA_CARRIER) !== 0;
  }

  get operState(): number {
    return this.attributes.u8(rt.IFLA_OPERSTATE) ?? 0;
  }

  get alias(): string {
    return this.attributes.string(rt.IFLA_IFALIAS) ?? "";
  }

  /** The link group (IFLA_GROUP); 0 where none was given. */
  get group(): number {
    return this.attributes.u32(rt.IFLA_GROUP) ?? 0;
  }

  /** The setting route_localnet: packets from and to 127.0.0.0/8 may pass, unless it is 0. */
  get routeLocalnet(): number {
    return this.inetSetting(rt.IPV4_DEVCONF_ROUTE_LOCALNET);
  }

  /** IPv4 packets that come in by the link are forwarded, where the node forwards. */
  get forwards(): boolean {
    return this.inetSetting(rt.IPV4_DEVCONF_FORWARDING) !== 0;
  }

  /** A setting of IPv4; 0 where there is none. IFLA_INET_CONF has all in a row, and they count from 1. */
  private inetSetting(setting: number): number {
    const settings = this.attributes.nest(rt.IFLA_AF_SPEC)?.nest(rt.AF_INET)?.bytes(rt.IFLA_INET_CONF);
    const at = 4 * (setting - 1);
    return settings === undefined || settings.length < at + 4 ? 0 : u32At(settings, at);
  }

  /**
   * For a bridge: it learns no MAC from frames to Ethernet's link-local groups (no_linklocal_learn). Struct
   * br_boolopt_multi has the values of the options, then which of them the kernel knows.
   */
  get ignoresLinkLocal(): boolean {
    if (this.kind !== "bridge") return false;
    const options = this.info?.nest(rt.IFLA_INFO_DATA)?.bytes(rt.IFLA_BR_MULTI_BOOLOPT);
    return options !== undefined && (u32At(options, 0) & (1 << rt.BR_BOOLOPT_NO_LL_LEARN)) !== 0;
  }

  /** What the link is to the bridge that is its master; undefined without a bridge. */
  get port(): LinkPort | undefined {
    if (this.lastPort === undefined && this.info?.string(rt.IFLA_INFO_SLAVE_KIND) === "bridge")
      this.lastPort = new LinkPort(this.info.nest(rt.IFLA_INFO_SLAVE_DATA));
    return this.lastPort;
  }
}

/** A bridge port's settings, each read when it is asked for. */
export class LinkPort {
  private readonly data: Attributes | undefined;

  constructor(data: Attributes | undefined) {
    this.data = data;
  }

  get state(): number {
    return this.data?.u8(rt.IFLA_BRPORT_STATE) ?? 0;
  }

  /** It was the lowest free number of the bridge. */
  get number(): number {
    return this.data?.u16(rt.IFLA_BRPORT_NO) ?? 0;
  }

  get hairpin(): boolean {
    return this.data?.u8(rt.IFLA_BRPORT_MODE) === 1;
  }

  get isolated(): boolean {
    return this.data?.u8(rt.IFLA_BRPORT_ISOLATED) === 1;
  }

  /** Frames of MACs that the bridge has not got from elsewhere are dropped. Kernels before 5.18 cannot. */
  get locked(): boolean {
    return this.data?.u8(rt.IFLA_BRPORT_LOCKED) === 1;
  }

  /** The bridge learns MACs from frames that come in by the port. */
  get learning(): boolean {
    return this.data?.u8(rt.IFLA_BRPORT_LEARNING) !== 0;
  }

  /** Frames to unknown MACs, to groups and to all go out by the port; the kernel has a switch for each. */
  get floods(): { unicast: boolean; multicast: boolean; broadcast: boolean } {
    return {
      unicast: this.data?.u8(rt.IFLA_BRPORT_UNICAST_FLOOD) !== 0,
      multicast: this.data?.u8(rt.IFLA_BRPORT_MCAST_FLOOD) !== 0,
      broadcast: this.data?.u8(rt.IFLA_BRPORT_BCAST_FLOOD) !== 0,
    };
  }
}

/** A link, by name or by index. */
export type LinkName = { name: string } | { index: number };

/**
 * A request for one link, in the namespace with this number where one is given. The kernel also runs the
 * link's pending carrier work before it answers.
 */
export function getLinkMessage(which: LinkName, namespace?: number): Message {
  return {
    what: `ask for interface ${"name" in which ? which.name : `number ${which.index}`}`,
    type: rt.RTM_GETLINK,
    flags: 0,
    body: (w) => {
      linkHeader(w, "index" in which ? { index: which.index } : {});
      if ("name" in which) w.string(rt.IFLA_IFNAME, which.name);
      if (namespace !== undefined) w.u32Attribute(rt.IFLA_TARGET_NETNSID, namespace);
      w.u32Attribute(rt.IFLA_EXT_MASK, rt.RTEXT_FILTER_SKIP_STATS);
    },
  };
}

/** The link, or undefined when there is none. Throws SystemError for any other refusal. */
export function getLink(socket: NetlinkSocket, which: LinkName): Link | undefined {
  return getLinks(socket, [which])[0];
}

/**
 * The other end of a veth pair, in whichever namespace; undefined when that is dying and takes both ends with
 * it. Throws SystemError.
 */
export function getPeer(socket: NetlinkSocket, { otherEnd, peerNamespace }: Link): Link | undefined {
  if (peerNamespace !== undefined && peerNamespace < 0) return undefined;
  const [outcome] = socket.transact([getLinkMessage({ index: otherEnd }, peerNamespace)]);
  // EINVAL: the number is that of a namespace that has begun to die.
  if (outcome?.error !== undefined && !isErrno(outcome.error, "ENODEV", "EINVAL")) throw outcome.error;
  const reply = outcome?.replies[0];
  return reply && new Link(reply);
}

/**
 * Several links in one exchange; undefined in the place of each link that does not exist. Throws SystemError
 * for any other refusal.
 */
export function getLinks(socket: NetlinkSocket, which: LinkName[]): (Link | undefined)[] {
  return changeAndGetLinks(socket, [], which);
}

/**
 * Makes changes and gives the links after them, in one exchange; undefined in the place of each link that
 * does not exist. Throws SystemError for any other refusal, of a change too.
 */
export function changeAndGetLinks(
  socket: NetlinkSocket,
  changes: Message[],
  which: LinkName[],
): (Link | undefined)[] {
  const outcomes = socket.transact([...changes, ...which.map((each) => getLinkMessage(each))]);
  const links = outcomes.map((outcome) => {
    if (outcome.errno !== 0 && outcome.errno !== errnoOf("ENODEV")) throw outcome.error;
    const reply = outcome.replies[0];
    return reply === undefined ? undefined : new Link(reply);
  });
  return links.slice(changes.length);
}

/** All ports of a bridge. Throws SystemError. */
export function listPorts(socket: NetlinkSocket, bridgeIndex: number): Link[] {
  const message: Message = {
    what: `list the ports of bridge number ${bridgeIndex}`,
    type: rt.RTM_GETLINK,
    flags: 0,
    body: (w) => {
      linkHeader(w);
      w.u32Attribute(rt.IFLA_MASTER, bridgeIndex).u32Attribute(rt.IFLA_EXT_MASK, rt.RTEXT_FILTER_SKIP_STATS);
    },
  };
  return socket.dump(message).map((reply) => new Link(reply));
}

/**
 * Writes what a new link is given; an MTU that is undefined is the kernel's default. One queue each way saves
 * two grace periods in the kernel.
 */
export function writeNewLink(
  w: Writer,
  { name, mac }: { name: string; mac: string },
  mtu: number | undefined,
): Writer {
  w.string(rt.IFLA_IFNAME, name).attribute(rt.IFLA_ADDRESS, macBytes(mac));
  if (mtu !== undefined) w.u32Attribute(rt.IFLA_MTU, mtu);
  return w.u32Attribute(rt.IFLA_NUM_TX_QUEUES, 1).u32Attribute(rt.IFLA_NUM_RX_QUEUES, 1);
}

/** Writes struct ifinfomsg. `up` and `promiscuous` change the flag when given. */
export function linkHeader(
  w: Writer,
  fields: { family?: number; index?: number; up?: boolean; promiscuous?: boolean } = {},
): void {
  const flag = (value: boolean | undefined, bit: number) => (value === true ? bit : 0);
  const flags = flag(fields.up, rt.IFF_UP) | flag(fields.promiscuous, rt.IFF_PROMISC);
  const change =
    (fields.up === undefined ? 0 : rt.IFF_UP) | (fields.promiscuous === undefined ? 0 : rt.IFF_PROMISC);
  w.u8(fields.family ?? rt.AF_UNSPEC)
    .u8(0)
    .u16(0)
    .u32(fields.index ?? 0)
    .u32(flags)
    .u32(change);
}

/** The indices of a veth pair, each in its own namespace. */
export interface Indices {
  host: number;
  pod: number;
}

/**
 * The indices of a veth pair, from the RTM_NEWLINK of its host's end. The kernel may leave the pod's out
 * where the two are equal.
 */
export function readIndices(reply: Reply): Indices {
  const host = u32At(reply.payload, 4);
  return { host, pod: readAttributes(reply.payload, 16).u32(rt.IFLA_LINK) ?? host };
}

/** Six bytes as `aa:bb:cc:dd:ee:ff`; an empty text for undefined. */
export function formatMac(bytes: Uint8Array | undefined): string {
  let text = "";
  for (let at = 0; bytes !== undefined && at < bytes.length; at++)
    text += `${at === 0 ? "" : ":"}${hexByte(bytes[at] ?? 0)}`;
  return text;
}

function hexByte(value: number): string {
  return `${value < 16 ? "0" : ""}${value.toString(16)}`;
}
