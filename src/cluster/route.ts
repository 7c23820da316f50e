// The routes to the pods of other nodes. Ours carry an origin of their own in the main table; no other is
// looked at or touched.
import type { Node } from "../host/node.ts";
import { type Family, formatAddress, sameAddress } from "../ip/address.ts";
import { formatPrefix, networkOf, type Prefix, prefixContains, samePrefix } from "../ip/prefix.ts";
import { listAddressesOfAll } from "../net/address.ts";
import { addRouteMessage, deleteRouteMessage, type LinkRoute, type NewRoute } from "../net/route.ts";
import { listRoutes } from "../net/route-list.ts";
import { lookUpDirectWays } from "../net/route-look-up.ts";
import { RT_TABLE_MAIN } from "../netlink/uapi/rtnetlink.ts";
import type { Device } from "./device.ts";
import { addressKey, prefixKey } from "./key.ts";
import { gatewayOf } from "./peer.ts";
import type { Change, Report } from "./report.ts";
import type { Tunnel, Wish, WishedRoute } from "./wish.ts";

/**
 * The origin of our routes (rtm_protocol): a number that neither the kernel, nor iproute2's rt_protos, nor a
 * routing daemon known to us uses. The kernel does not interpret it.
 */
export const ROUTE_PROTOCOL = 0xb4;

const FAMILIES = [4, 6] as const;
/** The priority that the kernel gives a route of IPv6 without one (IP6_RT_PRIO_USER). */
const IPV6_PRIORITY = 1024;

/** All routes of ours. Throws SystemError. */
export function ownRoutes({ links }: Node): LinkRoute[] {
  return FAMILIES.flatMap((family) =>
    listRoutes(links, family, { protocol: ROUTE_PROTOCOL, table: RT_TABLE_MAIN }),
  );
}

/** The routes that are to be there. Those that cannot be are refused. Throws SystemError. */
export function wantedRoutes(wish: Wish, device: Device | undefined, on: On): NewRoute[] {
  const taken = nodeSubnets(wish.podSubnets, device, on.node);
  const isFree = (what: () => string, subnet: Prefix): boolean => {
    const reason = conflictOf(subnet, taken);
    if (reason !== undefined) on.report.refuse(what(), "ownSubnet", reason);
    return reason === undefined;
  };
  const direct = directRoutes(
    wish.routes.filter((route) => isFree(() => textOf(route), route.subnet)),
    device,
    on,
  );
  if (wish.tunnel === undefined || device === undefined) return direct;
  const tunnelled = tunnelRoutes(wish.tunnel, device).filter((route) =>
    isFree(() => `route ${formatPrefix(route.dst)} by the tunnel`, route.dst),
  );
  return [...direct, ...tunnelled];
}

/** The node that is changed, and the report of the changes. */
export interface On {
  node: Node;
  report: Report;
}

function textOf({ subnet, via }: WishedRoute): string {
  return `route ${formatPrefix(subnet)} via ${formatAddress(via)}`;
}

/** The routes by nodes on the same segment; one by a node that is behind a router is refused. */
function directRoutes(
  routes: readonly WishedRoute[],
  device: Device | undefined,
  { node, report }: On,
): NewRoute[] {
  const unique = new Map(routes.map(({ via }) => [addressKey(via), via]));
  const found = lookUpDirectWays(node.links, [...unique.values()]);
  const ways = new Map([...unique.keys()].map((text, at) => [text, found[at]]));
  return routes.flatMap((route) => {
    const way = ways.get(addressKey(route.via));
    if (typeof way === "object" && way.index !== device?.index)
      return [
        { index: way.index, dst: route.subnet, gateway: route.via, protocol: ROUTE_PROTOCOL, isOnly: true },
      ];
    if (way === "none") report.refuse(textOf(route), "noWay", "the node has no way to that address now");
    else
      report.refuse(
        textOf(route),
        "noDirectWay",
        "the node has no direct way to that address; it needs a tunnel",
      );
    return [];
  });
}

function tunnelRoutes({ peers }: Tunnel, { index = 0 }: Device): NewRoute[] {
  return peers.flatMap(({ subnets, mac }) =>
    subnets.map((dst) => ({
      index,
      dst,
      gateway: gatewayOf(dst, mac),
      onLink: true,
      protocol: ROUTE_PROTOCOL,
      isOnly: true,
    })),
  );
}

/** The changes that make our routes those that are wanted. Routes by the link `kept` stay. */
export function routeChanges(
  found: readonly LinkRoute[],
  wanted: readonly NewRoute[],
  kept: number | undefined,
): Change[] {
  const wants = new Map(wanted.map((route) => [prefixKey(route.dst), route]));
  const right = new Set<string>();
  const stale: LinkRoute[] = [];
  for (const route of found) {
    const text = prefixKey(route.dst);
    if (isSame(route, wants.get(text)) && !right.has(text)) right.add(text);
    else if (route.index !== kept) stale.push(route);
  }
  const staleOf = (dst: string): LinkRoute[] => staleBy.get(dst) ?? [];
  const staleBy = groupByDestination(stale);
  const missing = [...wants].filter(([dst]) => !right.has(dst));
  const replaced = new Set(missing.map(([dst]) => dst));
  return [
    ...stale.filter(({ dst }) => !replaced.has(prefixKey(dst))).map(removal),
    ...missing.map(([dst, route]): Change => {
      const old = staleOf(dst);
      return {
        what: describe(route),
        action: old.length === 0 ? "added" : "changed",
        // A replacement by the kernel could take the route of another program in its place.
        messages: [...old.map(deleteRouteMessage), addRouteMessage(route)],
        inPlace: "foreignRoute",
      };
    }),
  ];
}

function removal(route: LinkRoute): Change {
  return { what: describe(route), action: "removed", messages: [deleteRouteMessage(route)] };
}

function describe({ dst, gateway, onLink, index }: NewRoute): string {
  const via = gateway === undefined ? `dev number ${index}` : `via ${formatAddress(gateway)}`;
  return `route ${formatPrefix(dst)} ${onLink === true ? "by the tunnel" : via}`;
}

function groupByDestination(routes: readonly LinkRoute[]): Map<string, LinkRoute[]> {
  const groups = new Map<string, LinkRoute[]>();
  for (const route of routes) {
    const text = prefixKey(route.dst);
    groups.set(text, [...(groups.get(text) ?? []), route]);
  }
  return groups;
}

function isSame(found: LinkRoute, wanted: NewRoute | undefined): boolean {
  const priority = found.dst.address.family === 6 ? IPV6_PRIORITY : 0;
  return (
    wanted !== undefined &&
    samePrefix(found.dst, wanted.dst) &&
    found.index === wanted.index &&
    found.gateway !== undefined &&
    wanted.gateway !== undefined &&
    sameAddress(found.gateway, wanted.gateway) &&
    (found.priority ?? 0) === priority
  );
}

/** The subnets that the node reaches without a router, by family; the pods' own are none of them. */
type NodeSubnets = Record<Family, { onLink: Prefix; address: Prefix; hasRoute: boolean }[]>;

function nodeSubnets(
  podSubnets: readonly Prefix[],
  device: Device | undefined,
  { links }: Node,
): NodeSubnets {
  const of = (family: Family): NodeSubnets[4] =>
    listAddressesOfAll(links, family)
      .filter(
        ({ index, isLinkLocal, prefix }) =>
          !isLinkLocal &&
          (device === undefined || (index !== device.index && index !== device.replaced)) &&
          !podSubnets.some((subnet) => prefixContains(subnet, prefix.address)),
      )
      .map(({ onLink, prefix, hasRoute }) => ({ onLink: networkOf(onLink), address: prefix, hasRoute }));
  return { 4: of(4), 6: of(6) };
}

/** The reason why a route to the subnet would cut the node off; undefined without one. */
function conflictOf(subnet: Prefix, taken: NodeSubnets): string | undefined {
  for (const { onLink, address, hasRoute } of taken[subnet.address.family]) {
    if (prefixContains(subnet, address.address))
      return `the subnet holds ${formatAddress(address.address)}, an address of this node`;
    if (hasRoute && (prefixContains(subnet, onLink.address) || prefixContains(onLink, subnet.address)))
      return `the subnet overlaps ${formatPrefix(onLink)}, which this node is in`;
  }
  return undefined;
}
