// The node's tunnel device: one VXLAN device, and the addresses that the node itself has in the tunnel.
import type { Node } from "../host/node.ts";
import { type Family, familyBits, formatAddress, sameAddress } from "../ip/address.ts";
import { formatPrefix, hasFamily, hasPrefix, type Prefix, wholeOf } from "../ip/prefix.ts";
import { addAddressMessage, deleteAddressMessage, listAddresses } from "../net/address.ts";
import { getLink, type Link } from "../net/link.ts";
import { changeLinkMessage, deleteLinkMessage, type LinkChange } from "../net/link-change.ts";
import { TUNNEL_ALIAS, TUNNEL_DEVICE } from "../net/node-tunnel.ts";
import { findLocalRoute } from "../net/route-look-up.ts";
import {
  createVxlanMessage,
  getVxlan,
  type NewVxlan,
  VXLAN_OVERHEAD,
  type VxlanLink,
  type VxlanSettings,
} from "../net/vxlan.ts";
import { DEFAULT_MTU, IPV6_LEAST_MTU, wayOutMtu } from "../net/way-out.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import type { Change, Report } from "./report.ts";
import { tunnelMac } from "./tunnel-mac.ts";
import type { Tunnel } from "./wish.ts";

const TITLE = `tunnel ${TUNNEL_DEVICE}`;

/** The tunnel device as an apply works with it. */
export interface Device {
  /** Undefined in a dry run where there is none yet. */
  index: number | undefined;
  /** The index of the device that had to give way to this one: what leads there has gone with it. */
  replaced?: number | undefined;
}

/** The tunnel device when it is ours; undefined without one. Throws SystemError. */
export function ownDevice({ links }: Node): VxlanLink | undefined {
  const found = getVxlan(links, { name: TUNNEL_DEVICE });
  return found !== undefined && isOwnTunnel(found) ? found : undefined;
}

/** True for the tunnel device of an apply. */
export function isOwnTunnel({ kind, alias }: Pick<Link, "kind" | "alias">): boolean {
  return kind === "vxlan" && alias === TUNNEL_ALIAS;
}

/**
 * Makes the device as wished; it forwards where the node's own pods have IPv4. Undefined when it cannot be:
 * then the report says why. Throws SystemError.
 */
export function ensureDevice(
  tunnel: Tunnel,
  podSubnets: readonly Prefix[],
  { node, report }: { node: Node; report: Report },
): Device | undefined {
  const found = getVxlan(node.links, { name: TUNNEL_DEVICE });
  if (found !== undefined && !isOwnTunnel(found)) {
    report.refuse(TITLE, "foreignDevice", "an interface of this name is there, and is not Pontoon's");
    return undefined;
  }
  const wanted = describe(tunnel, podSubnets, node);
  if (wanted === undefined) {
    report.refuse(
      TITLE,
      "noUplink",
      `no interface of this node has the address ${formatAddress(tunnel.local)}`,
    );
    return undefined;
  }
  const isSame = found !== undefined && !found.learns && sameSettings(found.settings, wanted);
  // A node that forwards may give new interfaces another setting (net.ipv4.conf.default.forwarding).
  const forwarding = hasFamily(podSubnets, 4) ? { forwarding: true } : {};
  const change = isSame ? adjust(found, wanted, forwarding) : make(wanted, found, forwarding);
  const refusals = report.refused.length;
  if (change !== undefined) report.carryOut(node.links, [change]);
  if (report.refused.length > refusals) return undefined;
  if (isSame) return { index: found.index };
  const made = report.isDryRun ? undefined : getVxlan(node.links, { name: TUNNEL_DEVICE });
  return { index: made?.index, replaced: found?.index };
}

function describe(
  { vni, port, local, mtu, peers }: Tunnel,
  podSubnets: readonly Prefix[],
  { links }: Node,
): NewVxlan | undefined {
  const index = findLocalRoute(links, local);
  const under = index === undefined ? undefined : getLink(links, { index });
  if (under === undefined) return undefined;
  // On a link with less than 1280 bytes IPv6 is off. Outer packets of IPv4 may go in fragments.
  const has6 = [podSubnets, ...peers.map(({ subnets }) => subnets)].some((each) => hasFamily(each, 6));
  const least = has6 && local.family === 4 ? IPV6_LEAST_MTU : 0;
  const fitting = mtuUnder(under, local.family, links) - VXLAN_OVERHEAD[local.family];
  const bytes = mtu ?? Math.max(fitting, least);
  return { name: TUNNEL_DEVICE, mac: tunnelMac(local), mtu: bytes, vni, port, local };
}

/**
 * The MTU under the tunnel: that of the link with its own address. An address on the loopback, as of a node
 * that tells its routers of it, is left by the way out.
 */
function mtuUnder({ isLoopback, mtu }: Link, family: Family, links: NetlinkSocket): number {
  return isLoopback ? (wayOutMtu(family, links) ?? DEFAULT_MTU) : mtu;
}

function sameSettings(a: VxlanSettings | undefined, b: VxlanSettings): boolean {
  return a !== undefined && a.vni === b.vni && a.port === b.port && sameAddress(a.local, b.local);
}

/** The settings of a device that is there, without the device's interruption. */
function adjust(
  { mtu, mac, up, forwards }: VxlanLink,
  wanted: NewVxlan,
  { forwarding = forwards }: LinkChange,
): Change | undefined {
  if (mtu === wanted.mtu && mac === wanted.mac && up && forwards === forwarding) return undefined;
  const change = {
    up: true,
    ...(forwards === forwarding ? {} : { forwarding }),
    ...(mtu === wanted.mtu ? {} : { mtu: wanted.mtu }),
    ...(mac === wanted.mac ? {} : { mac: wanted.mac }),
  };
  const which = { name: TUNNEL_DEVICE };
  return {
    what: TITLE,
    action: "changed",
    messages: [changeLinkMessage(which, change, `set up ${TUNNEL_DEVICE}`)],
  };
}

/** One send makes the device with its alias, so that no kill leaves one that nobody knows. */
function make(wanted: NewVxlan, found: VxlanLink | undefined, forwarding: LinkChange): Change {
  const which = { name: TUNNEL_DEVICE };
  const marks = { alias: TUNNEL_ALIAS, addressGeneration: "none", ...forwarding } as const;
  return {
    what: TITLE,
    action: found === undefined ? "added" : "changed",
    messages: [
      ...(found === undefined ? [] : [deleteLinkMessage({ index: found.index })]),
      createVxlanMessage(wanted),
      changeLinkMessage(which, marks, `mark ${TUNNEL_DEVICE}`),
      changeLinkMessage(which, { up: true }, `raise ${TUNNEL_DEVICE}`),
    ],
  };
}

/**
 * The changes to the addresses of the device: the first of each subnet of pods, which no pod has. The node
 * sends from it to pods that are behind the tunnel, and gets their answers by the tunnel too. Throws
 * SystemError.
 */
export function addressChanges({ index }: Device, podSubnets: readonly Prefix[], { links }: Node): Change[] {
  const wanted = podSubnets
    .filter(({ address, length }) => length <= familyBits(address.family) - 2)
    .map(({ address }) => wholeOf(address));
  const found = index === undefined ? [] : listAddresses(links, index).map(({ prefix }) => prefix);
  const changeOf = (prefix: Prefix, action: "added" | "removed"): Change => ({
    what: `address ${formatPrefix(prefix)} of ${TUNNEL_DEVICE}`,
    action,
    messages: [
      action === "added"
        ? addAddressMessage(index ?? 0, prefix, { makesRoute: false })
        : deleteAddressMessage(index ?? 0, prefix),
    ],
  });
  return [
    ...found.filter((each) => !hasPrefix(wanted, each)).map((each) => changeOf(each, "removed")),
    ...wanted.filter((each) => !hasPrefix(found, each)).map((each) => changeOf(each, "added")),
  ];
}

/** The change that takes the device away; none where it is not there, or not ours. Throws SystemError. */
export function deviceRemoval(node: Node): Change[] {
  const found = ownDevice(node);
  if (found === undefined) return [];
  return [{ what: TITLE, action: "removed", messages: [deleteLinkMessage({ index: found.index })] }];
}
