// The rules for the routes of a configuration together, beyond the rules for each route.
import { formatAddress, sameAddress } from "../ip/address.ts";
import { formatPrefix, networkOf, samePrefix } from "../ip/prefix.ts";
import type { Problems } from "./problems.ts";
import { type Route, TABLE_MAIN } from "./result.ts";

/** The most routes that are compared pairwise: that costs less than the text of one route. */
const FEW_ROUTES = 8;

/**
 * Reports a gateway of another family than its destination, and a route that stands twice: the kernel refuses
 * both.
 */
export function checkRoutes(routes: Route[], problems: Problems): void {
  const seen = routes.length > FEW_ROUTES ? new Set<string>() : undefined;
  let at = 0;
  for (const route of routes) {
    const { dst, gw } = route;
    if (gw !== undefined && gw.family !== dst.address.family) {
      problems.addAt(
        "ipam.routes",
        `the gateway ${formatAddress(gw)} of ${formatPrefix(dst)} must be of the family of its destination, IPv${dst.address.family}`,
      );
    }
    if (seen === undefined ? isBefore(routes, at, route) : isSeen(seen, route)) {
      problems.addAt(
        "ipam.routes",
        `${formatPrefix(dst)} is there twice; take one of the two out, or give them different gateways, priorities or tables`,
      );
    }
    at++;
  }
}

function isBefore(routes: Route[], end: number, route: Route): boolean {
  for (let at = 0; at < end; at++) if (isSame(routes[at], route)) return true;
  return false;
}

/** True when an equal route was seen before. Equal routes give equal texts. */
function isSeen(seen: Set<string>, { dst, gw, priority, table }: Route): boolean {
  const text = `${formatPrefix(networkOf(dst))} ${gw && formatAddress(gw)} ${priority ?? 0} ${table || TABLE_MAIN}`;
  if (seen.has(text)) return true;
  seen.add(text);
  return false;
}

function isSame(one: Route | undefined, other: Route): boolean {
  if (
    one === undefined ||
    one.dst.length !== other.dst.length ||
    !samePrefix(networkOf(one.dst), networkOf(other.dst))
  )
    return false;
  if (
    (one.priority ?? 0) !== (other.priority ?? 0) ||
    (one.table || TABLE_MAIN) !== (other.table || TABLE_MAIN)
  )
    return false;
  return one.gw === undefined || other.gw === undefined ? one.gw === other.gw : sameAddress(one.gw, other.gw);
}
