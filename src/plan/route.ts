// The routes of a pod: as the result tells them, and as the pod's kernel gets them. Pure.
import { type Route, SCOPE_LINK, TABLE_MAIN } from "../cni/result.ts";
import type { Address, Family } from "../ip/address.ts";
import { networkOf, prefixContains } from "../ip/prefix.ts";
import type { AddInput, PodAddress } from "./add.ts";
import type { PodRoute } from "./step.ts";

/**
 * The routes that IPAM gives, and a default route by the gateway where one is asked for and IPAM gives none.
 */
export function resultRoutes({
  netconf,
  addresses,
  routes: given,
}: Pick<AddInput, "netconf" | "addresses" | "routes">): Route[] {
  if (!netconf.isDefaultGateway) return given;
  const routes: Route[] = [];
  const provided: Family[] = [];
  for (const route of given) {
    const gateway = isMainDefault(route) ? gatewayFor(route, addresses) : undefined;
    routes.push(gateway === undefined || route.gw !== undefined ? route : { ...route, gw: gateway });
    if (isMainDefault(route)) provided.push(route.dst.address.family);
  }
  for (const { gateway } of addresses) {
    if (gateway === undefined || provided.includes(gateway.family)) continue;
    provided.push(gateway.family);
    routes.push({ dst: { address: { family: gateway.family, value: 0n }, length: 0 }, gw: gateway });
  }
  return routes;
}

function isMainDefault({ dst, table }: Route): boolean {
  return dst.length === 0 && ((table ?? 0) === 0 || table === TABLE_MAIN);
}

/**
 * The gateway of a route that names none: the first one that comes with an address of its family, unless its
 * scope says "on the link".
 */
function gatewayFor({ dst, scope }: Route, addresses: PodAddress[]): Address | undefined {
  if (scope !== undefined && scope >= SCOPE_LINK) return undefined;
  for (const { gateway } of addresses) if (gateway?.family === dst.address.family) return gateway;
  return undefined;
}

/**
 * A route of the result as the pod's kernel gets it. Numbers that are 0 mean "not set", scope excepted; in a
 * result a table of 0 is printed, but the kernel too takes it for the main one.
 */
export function podRoute(route: Route, addresses: PodAddress[]): PodRoute {
  const gateway = route.gw ?? gatewayFor(route, addresses);
  const set = (value: number | undefined) => (value === 0 ? undefined : value);
  let onLink = gateway !== undefined;
  for (const { address } of addresses)
    if (gateway !== undefined && prefixContains(address, gateway)) onLink = false;
  return {
    dst: networkOf(route.dst),
    gateway,
    onLink,
    mtu: set(route.mtu),
    advmss: set(route.advmss),
    priority: set(route.priority),
    table: set(route.table),
    scope: route.scope,
  };
}
