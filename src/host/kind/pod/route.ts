// The search for missing routes in the pod.
import { sameAddress } from "../../../ip/address.ts";
import { formatPrefix, samePrefix } from "../../../ip/prefix.ts";
import type { LinkRoute } from "../../../net/route.ts";
import { listRoutes } from "../../../net/route-list.ts";
import type { NetlinkSocket } from "../../../netlink/socket.ts";
import { RT_TABLE_MAIN } from "../../../netlink/uapi/rtnetlink.ts";
import type { PodRoute } from "../../../plan/step.ts";

/**
 * The first of `routes` that the pod's interface with this index does not have. Each table is read once.
 * Throws SystemError.
 */
export function findMissingRoute(
  routes: readonly PodRoute[],
  links: NetlinkSocket,
  index: number,
): PodRoute | undefined {
  const tables = new Map<string, Map<string, LinkRoute[]>>();
  return routes.find((wanted) => {
    const {
      dst: {
        address: { family },
      },
      table = RT_TABLE_MAIN,
    } = wanted;
    const name = `${family} ${table}`;
    const byDestination = tables.get(name) ?? groupByDestination(listRoutes(links, family, { index, table }));
    tables.set(name, byDestination);
    return byDestination.get(formatPrefix(wanted.dst))?.some((route) => isRoute(route, wanted)) !== true;
  });
}

function groupByDestination(routes: readonly LinkRoute[]): Map<string, LinkRoute[]> {
  const groups = new Map<string, LinkRoute[]>();
  for (const route of routes) {
    const destination = formatPrefix(route.dst);
    const group = groups.get(destination);
    if (group === undefined) groups.set(destination, [route]);
    else group.push(route);
  }
  return groups;
}

function isRoute(route: LinkRoute, wanted: PodRoute): boolean {
  if (!samePrefix(route.dst, wanted.dst)) return false;
  const given: [number | undefined, number | undefined][] = [
    [wanted.mtu, route.mtu],
    [wanted.advmss, route.advmss],
    [wanted.priority, route.priority],
    // The kernel keeps no scope of an IPv6 route.
    [wanted.dst.address.family === 4 ? wanted.scope : undefined, route.scope],
  ];
  if (given.some(([want, have]) => want !== undefined && want !== have)) return false;
  return (
    wanted.gateway === undefined ||
    wanted.isGatewayAssumed === true ||
    (route.gateway !== undefined && sameAddress(wanted.gateway, route.gateway))
  );
}
