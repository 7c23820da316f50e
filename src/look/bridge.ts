// The bridge of a network before an ADD changes anything, and the largest packet that the node's way out
// takes.
import { keyOfAlias } from "../attachment/name.ts";
import type { Netconf } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import { LARGEST_MTU } from "../cni/netconf-check.ts";
import { attempt } from "../failure/failure.ts";
import type { Family } from "../ip/address.ts";
import { getLink, type Link, listPorts } from "../net/link.ts";
import { lookUpRoute } from "../net/route-look-up.ts";
import { DEFAULT_MTU, FAR_AWAY, IPV6_LEAST_MTU, wayOutMtu } from "../net/way-out.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";

/** The bridge as an ADD sees it. */
export interface ObservedBridge {
  /** The MAC of the bridge; undefined: the bridge has to be made. */
  mac: string | undefined;
  /** Bytes: the bridge's own MTU, or the MTU for a new bridge. */
  mtu: number;
  /** Bytes: the largest MTU that a port for the network's pods may have. */
  portMtu: number;
  /** The existing bridge; undefined: it is missing, or its creation was not finished. */
  found: FoundBridge | undefined;
}

/** A bridge that is there and set up. */
export interface FoundBridge {
  link: Link;
  /** See {@link saysMacsFollow}. */
  macsFollow: boolean;
}

/**
 * The alias of a bridge that Pontoon raised first, on which all pods so far have had the MAC that follows
 * their addresses.
 */
export const MACS_FOLLOW = "pontoon: 0a:58 and its IPv4 address are a pod's MAC";

/** True for a bridge on which every pod so far has used the MAC that follows its IPv4 addresses. */
export function saysMacsFollow({ alias }: Link): boolean {
  return alias === MACS_FOLLOW;
}

/** Refuses a link that has the bridge's name and is no bridge. Throws CniError. */
export function checkIsBridge(name: string, link: Link): void {
  if (link.kind === "bridge") return;
  throw new CniError("bridge", {
    about: `"${name}" already exists but is not a bridge`,
    cause: `it is a ${link.kind === "" ? "plain" : link.kind} interface`,
    hint: `Choose another name for "bridge" in the network configuration, or rename the interface ${name}`,
  });
}

/**
 * Looks at the bridge, or at the way out of the node if the bridge has to be made. Throws SystemError, and
 * CniError when the name belongs to another kind of link.
 */
export function observeBridge(netconf: Netconf, links: NetlinkSocket): ObservedBridge {
  return attempt("bridge", netconf.bridge, () => {
    const link = getLink(links, { name: netconf.bridge });
    if (link !== undefined) checkIsBridge(netconf.bridge, link);
    if (link === undefined || isUnfinished(link, links)) {
      const mtu = netconf.mtu > 0 ? netconf.mtu : uplinkMtu(netconf, links);
      return { mac: link?.mac, mtu, portMtu: mtu, found: undefined };
    }
    const { mac, mtu } = link;
    const portMtu = netconf.mtu > mtu ? siblingMtu(netconf.name, link, links) : mtu;
    return { mac, mtu, portMtu, found: { link, macsFollow: saysMacsFollow(link) } };
  });
}

/** For a network without a bridge: the largest packet that the node's way out takes. Throws SystemError. */
export function observeWayOut(netconf: Netconf, links: NetlinkSocket): ObservedBridge {
  const mtu = netconf.mtu > 0 ? netconf.mtu : uplinkMtu(netconf, links);
  return { mac: undefined, mtu, portMtu: mtu, found: undefined };
}

/** For a network whose packets pass nothing of the node's: no look, and the kernel's MTU. */
export function withoutNode({ mtu: asked }: Netconf): ObservedBridge {
  const mtu = asked > 0 ? asked : DEFAULT_MTU;
  return { mac: undefined, mtu, portMtu: mtu, found: undefined };
}

/**
 * The largest MTU of the network's pods on a bridge whose MTU is smaller than the network's. The bridge may
 * have followed the pods of another network down, and a pod with its MTU would lose full packets of its own
 * network: ports take frames whatever the bridge's MTU is. Ports of other programs, such as the uplink of an
 * administrator's bridge, limit it.
 */
function siblingMtu(network: string, bridge: Link, links: NetlinkSocket): number {
  let [largest, limit] = [bridge.mtu, LARGEST_MTU];
  for (const { alias, mtu } of listPorts(links, bridge.index)) {
    const key = keyOfAlias(alias);
    if (key === undefined) limit = Math.min(limit, mtu);
    else if (key.network === network) largest = Math.max(largest, mtu);
  }
  return Math.max(bridge.mtu, Math.min(largest, limit));
}

/**
 * True for a bridge that is down, has the default MTU and no ports: its ADD was killed before the MTU was
 * set.
 */
function isUnfinished(link: Link, links: NetlinkSocket): boolean {
  return !link.up && link.mtu === DEFAULT_MTU && listPorts(links, link.index).length === 0;
}

/** The smallest MTU of the ways out of the node, over the network's families; 1500 without a way out. */
export function uplinkMtu(netconf: Netconf, links: NetlinkSocket): number {
  const families = networkFamilies(netconf);
  const found = families.flatMap((family) => wayOutMtu(family, links) ?? []);
  const mtu = found.length === 0 ? DEFAULT_MTU : Math.min(LARGEST_MTU, ...found);
  return families.includes(6) ? Math.max(mtu, IPV6_LEAST_MTU) : mtu;
}

/** The families of a network, each once. A foreign IPAM plugin may give addresses of either. */
export function networkFamilies({ ipam, foreignIpam }: Netconf): Family[] {
  if (ipam === undefined) return foreignIpam === undefined ? [4] : [4, 6];
  return [...new Set(ipam.rangeSets.flat().map((range) => range.subnet.address.family))];
}

/**
 * True when the node's way out, of either family, is by this link or by one above it (a VLAN, a macvlan).
 * Throws SystemError.
 */
export function isOnWayOut(index: number, links: NetlinkSocket): boolean {
  return ([4, 6] as const).some((family) => {
    let at = lookUpRoute(links, FAR_AWAY[family])?.index ?? 0;
    for (let depth = 0; at !== 0 && depth < MOST_ABOVE; depth++) {
      if (at === index) return true;
      const link = getLink(links, { index: at });
      at = link !== undefined && STANDS_ON_OTHERS.includes(link.kind) ? link.peerIndex : 0;
    }
    return false;
  });
}

/** The kinds of links that stand on another one of the node (IFLA_LINK). */
const STANDS_ON_OTHERS: readonly string[] = ["vlan", "macvlan", "ipvlan"];
/** The kernel stacks no more links than this (MAX_NEST_DEV). */
const MOST_ABOVE = 8;
