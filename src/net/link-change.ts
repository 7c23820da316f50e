// Requests that make, change and remove links. (linux/rtnetlink.h, if_link.h, veth.h, if_bridge.h)

import { macBytes } from "../ip/mac.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import type { Writer } from "../netlink/writer.ts";
import { isErrno } from "../sys/errno.ts";
import { type LinkName, linkHeader, writeNewLink } from "./link.ts";

/**
 * Makes a bridge, down. A MAC given at creation is pinned: it does not follow the ports. Refused with EEXIST
 * when the name is taken, with EOPNOTSUPP when it is to filter by VLANs and the kernel cannot.
 */
export function createBridgeMessage(bridge: { name: string; mac: string; vlanFiltering?: boolean }): Message {
  return {
    what: `create bridge ${bridge.name}`,
    type: rt.RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: (w) => {
      linkHeader(w);
      w.string(rt.IFLA_IFNAME, bridge.name).attribute(rt.IFLA_ADDRESS, macBytes(bridge.mac));
      const info = w.openNest(rt.IFLA_LINKINFO);
      w.string(rt.IFLA_INFO_KIND, "bridge");
      if (bridge.vlanFiltering === true)
        w.nest(rt.IFLA_INFO_DATA, () => w.u8Attribute(rt.IFLA_BR_VLAN_FILTERING, 1));
      w.closeNest(info);
    },
  };
}

export interface VethEnd {
  name: string;
  mac: string;
}

export interface VethPair {
  host: VethEnd;
  /** The bridge that the host's end is a port of; undefined: it is none. */
  bridgeIndex: number | undefined;
  /** Born inside the namespace of this descriptor. */
  pod: VethEnd;
  namespaceFd: number;
  /** Bytes; undefined: the kernel's default. */
  mtu: number | undefined;
  /** The link group of the host's end; undefined: the kernel's default, 0. */
  group?: number | undefined;
}

/** A veth pair, down. Refused with EEXIST when either name is taken. */
export function createVethMessage({ host, bridgeIndex, pod, namespaceFd, mtu, group }: VethPair): Message {
  return {
    what: `create veth pair ${host.name} with ${pod.name} in the pod`,
    type: rt.RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: (w) => {
      linkHeader(w);
      writeNewLink(w, host, mtu);
      if (bridgeIndex !== undefined) w.u32Attribute(rt.IFLA_MASTER, bridgeIndex);
      if (group !== undefined) w.u32Attribute(rt.IFLA_GROUP, group);
      const info = w.openNest(rt.IFLA_LINKINFO);
      w.string(rt.IFLA_INFO_KIND, "veth");
      const data = w.openNest(rt.IFLA_INFO_DATA);
      const peer = w.openNest(rt.VETH_INFO_PEER);
      linkHeader(w);
      writeNewLink(w, pod, mtu).u32Attribute(rt.IFLA_NET_NS_FD, namespaceFd);
      w.closeNest(peer).closeNest(data).closeNest(info);
    },
  };
}

/** The changes to an existing link; absent fields stay as they are. */
export interface LinkChange {
  up?: boolean;
  promiscuous?: boolean;
  mtu?: number;
  mac?: string;
  alias?: string;
  /** The kernel makes no link-local IPv6 address. */
  addressGeneration?: "none";
  /** The kernel sends gratuitous ARP when the link comes up or its MAC is set. */
  arpNotify?: boolean;
  /** IPv4 packets that come in by the link are forwarded, where the node forwards. */
  forwarding?: boolean;
  /** Packets from and to 127.0.0.0/8 may pass, unless it is 0. The kernel keeps the number. */
  routeLocalnet?: number;
  /** Frames may leave by the bridge port that they came in by. */
  hairpin?: boolean;
  /** No frames go from this bridge port to others that are isolated. */
  isolated?: boolean;
  /** The bridge learns MACs from frames that come in by this port. */
  learning?: boolean;
  /** Frames of MACs that the bridge has not got from elsewhere come in by this bridge port, too. */
  locked?: false;
  /** Frames to unknown MACs, to groups and to all go out by this bridge port. */
  floods?: true;
  /** The index of the bridge (or other master) that the link becomes a port of. */
  master?: number;
  /**
   * Frames that come in by this bridge port to Ethernet's link-local groups (01:80:c2:00:00:00 to :0f) go the
   * way of all frames. Otherwise the bridge hands them to the node past the packet filter.
   */
  forwardsLinkLocal?: true;
  /** The bridge learns no MAC from frames to these groups. A kernel before 5.0 does not know the setting. */
  ignoresLinkLocal?: true;
}

/**
 * Changes a link. Sent as RTM_NEWLINK without create where settings of a bridge or of its port are among the
 * changes: RTM_SETLINK leaves these out.
 */
export function changeLinkMessage(which: LinkName, change: LinkChange, what: string): Message {
  const isOfPort =
    change.hairpin !== undefined ||
    change.isolated !== undefined ||
    change.learning !== undefined ||
    change.locked !== undefined ||
    change.floods !== undefined ||
    change.forwardsLinkLocal !== undefined;
  return {
    what,
    type: isOfPort || change.ignoresLinkLocal !== undefined ? rt.RTM_NEWLINK : rt.RTM_SETLINK,
    flags: 0,
    body: (w) => {
      linkHeader(w, { ...("index" in which ? { index: which.index } : {}), ...change });
      if ("name" in which) w.string(rt.IFLA_IFNAME, which.name);
      if (change.mac !== undefined) w.attribute(rt.IFLA_ADDRESS, macBytes(change.mac));
      if (change.mtu !== undefined) w.u32Attribute(rt.IFLA_MTU, change.mtu);
      if (change.alias !== undefined) w.bareString(rt.IFLA_IFALIAS, change.alias);
      if (change.master !== undefined) w.u32Attribute(rt.IFLA_MASTER, change.master);
      writeFamilySettings(w, change);
      if (isOfPort) writePortSettings(w, change);
      if (change.ignoresLinkLocal !== undefined) writeIgnoring(w);
    },
  };
}

function writeFamilySettings(w: Writer, change: LinkChange): void {
  if (
    change.addressGeneration === undefined &&
    change.arpNotify === undefined &&
    change.forwarding === undefined &&
    change.routeLocalnet === undefined
  )
    return;
  const families = w.openNest(rt.IFLA_AF_SPEC);
  if (change.arpNotify !== undefined)
    writeInetSetting(w, rt.IPV4_DEVCONF_ARP_NOTIFY, change.arpNotify ? 1 : 0);
  if (change.forwarding !== undefined)
    writeInetSetting(w, rt.IPV4_DEVCONF_FORWARDING, change.forwarding ? 1 : 0);
  if (change.routeLocalnet !== undefined)
    writeInetSetting(w, rt.IPV4_DEVCONF_ROUTE_LOCALNET, change.routeLocalnet);
  if (change.addressGeneration === "none") {
    const inet6 = w.openNest(rt.AF_INET6);
    w.u8Attribute(rt.IFLA_INET6_ADDR_GEN_MODE, rt.IN6_ADDR_GEN_MODE_NONE).closeNest(inet6);
  }
  w.closeNest(families);
}

function writeInetSetting(w: Writer, setting: number, value: number): void {
  const inet = w.openNest(rt.AF_INET);
  const settings = w.openNest(rt.IFLA_INET_CONF);
  w.u32Attribute(setting, value).closeNest(settings).closeNest(inet);
}

/**
 * All link-local groups as bits but 01:80:c2:00:00:01: the kernel drops those frames (flow control), and
 * refuses the bit.
 */
const LINK_LOCAL_GROUPS = Uint8Array.of(0xfd, 0xff);

function writePortSettings(w: Writer, change: LinkChange): void {
  const { hairpin, isolated, learning, locked, floods, forwardsLinkLocal } = change;
  w.nest(rt.IFLA_LINKINFO, () => {
    w.string(rt.IFLA_INFO_SLAVE_KIND, "bridge");
    w.nest(rt.IFLA_INFO_SLAVE_DATA, () => {
      if (hairpin !== undefined) w.u8Attribute(rt.IFLA_BRPORT_MODE, hairpin ? 1 : 0);
      if (isolated !== undefined) w.u8Attribute(rt.IFLA_BRPORT_ISOLATED, isolated ? 1 : 0);
      if (learning !== undefined) w.u8Attribute(rt.IFLA_BRPORT_LEARNING, learning ? 1 : 0);
      if (locked !== undefined) w.u8Attribute(rt.IFLA_BRPORT_LOCKED, 0);
      if (floods !== undefined) for (const flood of FLOODS) w.u8Attribute(flood, 1);
      if (forwardsLinkLocal !== undefined) w.attribute(rt.IFLA_BRPORT_GROUP_FWD_MASK, LINK_LOCAL_GROUPS);
    });
  });
}

/** The switches for frames to unknown MACs, to groups and to all. */
const FLOODS = [rt.IFLA_BRPORT_UNICAST_FLOOD, rt.IFLA_BRPORT_MCAST_FLOOD, rt.IFLA_BRPORT_BCAST_FLOOD];

/** Writes struct br_boolopt_multi: the values of the options, then which of them change. */
function writeIgnoring(w: Writer): void {
  const bit = 1 << rt.BR_BOOLOPT_NO_LL_LEARN;
  const options = Uint8Array.of(bit, 0, 0, 0, bit, 0, 0, 0);
  w.nest(rt.IFLA_LINKINFO, () => {
    w.string(rt.IFLA_INFO_KIND, "bridge");
    w.nest(rt.IFLA_INFO_DATA, () => w.attribute(rt.IFLA_BR_MULTI_BOOLOPT, options));
  });
}

/**
 * Removes a link, a veth with its peer. False when it was not there. Waits for the kernel's grace periods.
 * Throws SystemError.
 */
export function removeLink(socket: NetlinkSocket, which: LinkName): boolean {
  const [outcome] = socket.transact([deleteLinkMessage(which)]);
  if (outcome?.error === undefined) return true;
  if (isErrno(outcome.error, "ENODEV")) return false;
  throw outcome.error;
}

/** The request that removes a link. Refused with ENODEV when the link is absent. */
export function deleteLinkMessage(which: LinkName): Message {
  return {
    what: `delete interface ${"name" in which ? which.name : `number ${which.index}`}`,
    type: rt.RTM_DELLINK,
    flags: 0,
    body: (w) => {
      linkHeader(w, "index" in which ? { index: which.index } : {});
      if ("name" in which) w.string(rt.IFLA_IFNAME, which.name);
    },
  };
}
