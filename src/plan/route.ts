// The routes of a pod: as the result tells them, and as the pod's kernel gets them. Pure.
import type { Attachment, PodAddress } from "../attachment/attachment.ts";
import { type Route, SCOPE_LINK, TABLE_MAIN } from "../cni/result.ts";
import type { Address, Family } from "../ip/address.ts";
import { formatPrefix, isSingle, networkOf, type Prefix, prefixContains, wholeOf } from "../ip/prefix.ts";
import type { PodRoute } from "./step.ts";

/**
 * The routes that IPAM gives. With `isDefaultGateway` each family without a default route gets one by its
 * gateway.
 */
export function resultRoutes(given: Route[], addresses: PodAddress[], isDefaultGateway: boolean): Route[] {
  if (!isDefaultGateway) return given;
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
    routes.push(defaultBy(gateway));
  }
  return routes;
}

function isMainDefault({ dst, table }: Route): boolean {
  return dst.length === 0 && ((table ?? 0) === 0 || table === TABLE_MAIN);
}

function defaultBy(gateway: Address): Route {
  return { dst: { address: { family: gateway.family, value: 0n }, length: 0 }, gw: gateway };
}

/**
 * The pod's routes as its kernel gets them: those of the main table, and with source based routing those of
 * the interface's own table. Default routes are then in the interface's table alone, since another attachment
 * may have its own in the main table; other routes are in both. A family without a default route gets one by
 * its gateway.
 */
export function podRoutes({ link, routes, addresses, sourceRouting }: Attachment): {
  main: PodRoute[];
  own: PodRoute[];
} {
  const byGateway = link.kind === "routedPair";
  const all: PodRoute[] = byGateway ? subnetsByGateway(addresses) : [];
  const onLink = byGateway ? gatewaysOf(addresses) : addresses.map(({ address }) => address);
  for (const route of routes) all.push(podRoute(route, addresses, onLink));
  if (!sourceRouting || addresses.length === 0) return { main: all, own: [] };
  const inMain = all.filter(({ table }) => (table ?? TABLE_MAIN) === TABLE_MAIN);
  const defaults = inMain.filter(isDefault);
  const own = [
    ...(byGateway ? [] : addresses.flatMap(({ address }) => connected(address))),
    ...inMain.filter((route) => !isDefault(route)),
    ...defaults,
    ...defaultsByGateway(addresses, defaults, onLink),
  ];
  return { main: all.filter((route) => !defaults.includes(route)), own };
}

function isDefault({ dst }: PodRoute): boolean {
  return dst.length === 0;
}

/** The route to the address's own network, which the kernel puts into the main table only. */
function connected(prefix: Prefix): PodRoute[] {
  if (isSingle(prefix)) return [];
  return [podRoute({ dst: prefix, scope: onLinkScope(prefix.address) }, [], [])];
}

/** The gateways as destinations: all that is on the link of a pod without a bridge. */
function gatewaysOf(addresses: readonly PodAddress[]): Prefix[] {
  return addresses.flatMap(({ gateway }) => (gateway === undefined ? [] : [wholeOf(gateway)]));
}

/**
 * The subnets of a pod without a bridge: a route to each gateway on the link, and one to each subnet by its
 * gateway, each once. Those of IPv4 name the pod's address, since the kernel would take the first of the
 * link; for IPv6 it takes the nearest, and a route that names one has to wait until it is in use.
 */
function subnetsByGateway(addresses: readonly PodAddress[]): PodRoute[] {
  const routes = new Map<string, PodRoute>();
  const onLink = gatewaysOf(addresses);
  const add = (route: Route, { address: own }: Prefix): void => {
    const made = podRoute(route, [], onLink);
    const id = formatPrefix(made.dst);
    if (!routes.has(id)) routes.set(id, { ...made, source: own.family === 4 ? own : undefined });
  };
  for (const { address, gateway } of addresses)
    if (gateway !== undefined) add({ dst: wholeOf(gateway), scope: onLinkScope(gateway) }, address);
  for (const { address, gateway: gw } of addresses)
    if (!isSingle(address)) add({ dst: address, gw }, address);
  return [...routes.values()];
}

function onLinkScope({ family }: Address): number | undefined {
  return family === 4 ? SCOPE_LINK : undefined;
}

function defaultsByGateway(addresses: PodAddress[], given: PodRoute[], onLink: Prefix[]): PodRoute[] {
  const routes: PodRoute[] = [];
  for (const { gateway } of addresses) {
    const isGiven = [...given, ...routes].some(({ dst }) => dst.address.family === gateway?.family);
    if (gateway !== undefined && !isGiven) routes.push(podRoute(defaultBy(gateway), addresses, onLink));
  }
  return routes;
}

/**
 * The gateway of a route that names none: the first gateway of its family, unless the route's scope says "on
 * the link".
 */
function gatewayFor({ dst, scope }: Route, addresses: PodAddress[]): Address | undefined {
  if (scope !== undefined && scope >= SCOPE_LINK) return undefined;
  for (const { gateway } of addresses) if (gateway?.family === dst.address.family) return gateway;
  return undefined;
}

/**
 * A route of the result as the pod's kernel gets it. A number of 0 means "not set", except in the scope; a
 * result prints a table of 0, but the kernel too takes it for the main table. `onLink` are the destinations
 * that the kernel knows to be on the link; a gateway outside of them is on it, too.
 */
function podRoute(route: Route, addresses: PodAddress[], onLink: readonly Prefix[]): PodRoute {
  const gateway = route.gw ?? gatewayFor(route, addresses);
  const set = (value: number | undefined) => (value === 0 ? undefined : value);
  const isKnown = gateway === undefined || onLink.some((prefix) => prefixContains(prefix, gateway));
  return {
    dst: networkOf(route.dst),
    gateway,
    isGatewayAssumed: route.gw === undefined,
    onLink: !isKnown,
    mtu: set(route.mtu),
    advmss: set(route.advmss),
    priority: set(route.priority),
    table: set(route.table),
    scope: route.scope,
  };
}
