// Other interfaces of the node with addresses in a subnet that a bridge is to hold. The node sends packets
// for a subnet by one interface alone.
import { keyOfAlias } from "../attachment/name.ts";
import { TABLE_MAIN } from "../cni/result.ts";
import { sameAddress } from "../ip/address.ts";
import { isWhole, networkOf, type Prefix, prefixContains } from "../ip/prefix.ts";
import { type ForeignAddress, listAddressesOfAll } from "../net/address.ts";
import { getLink, type Link } from "../net/link.ts";
import { listLinks } from "../net/link-set.ts";
import { TUNNEL_ALIAS } from "../net/node-tunnel.ts";
import { listRoutes } from "../net/route-list.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";

/** An interface with an address that is the gateway's, or that lies in a subnet which overlaps the pods'. */
export interface SubnetOwner {
  name: string;
  /** The kind of the link, as in Link. */
  kind: string;
  alias: string;
  address: Prefix;
  /**
   * True: packets of the node for the pods, or of the pods for their gateway, would go there. False: that
   * route is the wider one, so the bridge's own route is taken; or the interface is down; or one address of
   * the subnet is the node's.
   */
  isInTheWay: boolean;
}

/**
 * The owners of overlapping subnets beside the interface that gets the address `gateway`, those in the way
 * first. `own` is the index of that interface; 0: it is not there yet. An interface in another VRF is none,
 * since its routes are in another table. Link-local addresses count for nothing, nor do those of a cluster's
 * tunnel, which no pod gets. Throws SystemError.
 */
export function listSubnetOwners(links: NetlinkSocket, own: number, gateway: Prefix): SubnetOwner[] {
  const found: SubnetOwner[] = [];
  let ownVrf: number | undefined;
  for (const address of listAddressesOfAll(links, gateway.address.family)) {
    if (address.index === own || address.isLinkLocal || !overlaps(address, gateway)) continue;
    const link = getLink(links, { index: address.index });
    if (link === undefined || link.alias === TUNNEL_ALIAS) continue;
    ownVrf ??= own === 0 ? 0 : vrfOf(getLink(links, { index: own }), links);
    if (vrfOf(link, links) !== ownVrf) continue;
    const { name, kind, alias, up } = link;
    found.push({
      name,
      kind,
      alias,
      address: address.prefix,
      isInTheWay: up && isInTheWay(address, gateway),
    });
  }
  return found.sort((a, b) => Number(b.isInTheWay) - Number(a.isInTheWay));
}

/**
 * The pods without a bridge to which the node has routes, and which have an address in the subnet of
 * `gateway`, those in the way first: one with that address itself. Reads all routes of the node. Throws
 * SystemError.
 */
export function listRoutedPods(links: NetlinkSocket, gateway: Prefix): SubnetOwner[] {
  const routes = listRoutes(links, gateway.address.family, { table: TABLE_MAIN }).filter(
    ({ dst }) => isWhole(dst, dst.address) && prefixContains(networkOf(gateway), dst.address),
  );
  if (routes.length === 0) return [];
  const pairs = new Map(listLinks(links, "veth").map((link) => [link.index, link]));
  return routes
    .flatMap(({ index, dst: address }): SubnetOwner[] => {
      const pair = pairs.get(index);
      if (pair === undefined || keyOfAlias(pair.alias) === undefined) return [];
      const { name, kind, alias } = pair;
      return [{ name, kind, alias, address, isInTheWay: sameAddress(address.address, gateway.address) }];
    })
    .sort((a, b) => Number(b.isInTheWay) - Number(a.isInTheWay));
}

function overlaps({ prefix, onLink }: ForeignAddress, gateway: Prefix): boolean {
  const reached = networkOf(onLink);
  return (
    sameAddress(prefix.address, gateway.address) ||
    prefixContains(networkOf(gateway), prefix.address) ||
    prefixContains(networkOf(gateway), reached.address) ||
    prefixContains(reached, gateway.address)
  );
}

/** True for the gateway's address itself, and for a subnet that is the gateway's or a part of it. */
function isInTheWay({ prefix, onLink, hasRoute }: ForeignAddress, gateway: Prefix): boolean {
  if (sameAddress(prefix.address, gateway.address)) return true;
  return hasRoute && onLink.length >= gateway.length && prefixContains(networkOf(gateway), onLink.address);
}

/** The index of the VRF that the link is in; 0: none. */
function vrfOf(link: Link | undefined, links: NetlinkSocket): number {
  if (link === undefined || link.master === 0) return 0;
  const master = getLink(links, { index: link.master });
  return master?.kind === "vrf" ? master.index : 0;
}
