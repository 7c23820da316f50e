// A place's links, addresses and routes.
import type { Place } from "./place.ts";
import type { Thing } from "./thing.ts";

interface LinkInfo {
  ifname: string;
  mtu: number;
  flags: string[];
  master?: string;
  promiscuity?: number;
  ifalias?: string;
  linkinfo?: { info_kind?: string };
}
interface AddressInfo {
  ifname: string;
  addr_info: { local?: string; prefixlen?: number; scope?: string }[];
}
interface RouteInfo {
  type?: string;
  dst: string;
  dev?: string;
  gateway?: string;
  table?: string;
  metric?: number;
}

/** What there is on the node, or in a pod: there each line begins with the pod's name. */
export async function networkThings(place: Place): Promise<Thing[]> {
  const links = await place.json<LinkInfo[]>("ip -j -d link show");
  const addresses = await place.json<AddressInfo[]>("ip -j address show");
  const routes4 = await place.json<RouteInfo[]>("ip -j -4 route show table all");
  const routes6 = await place.json<RouteInfo[]>("ip -j -6 route show table all");
  const things = [
    ...links.map(linkThing),
    ...addresses.flatMap(addressThings),
    ...[...routes4, ...routes6].filter(isLasting).map(routeThing),
  ];
  if (place.namespace === undefined) return things;
  return things.map((thing) => ({ ...thing, line: `${place.name}: ${thing.line}`, pod: place.name }));
}

function linkThing({ ifname, mtu, flags, master, promiscuity, ifalias, linkinfo }: LinkInfo): Thing {
  const words = [`link ${ifname}`, linkinfo?.info_kind, `mtu ${mtu}`, flags.includes("UP") ? "up" : "down"];
  if (master !== undefined) words.push(`master ${master}`);
  // The kernel makes every bridge port promiscuous: only a link without a master was asked to be so by
  // somebody.
  if (promiscuity && master === undefined) words.push("promiscuous");
  // A bridge's own says something of all pods that it had, and goes with one of whom nobody can say it.
  if (ifalias !== undefined && linkinfo?.info_kind !== "bridge") words.push(`alias ${ifalias}`);
  return { kind: "link", line: words.filter(Boolean).join(" "), name: ifname, link: ifname };
}

function addressThings({ ifname, addr_info }: AddressInfo): Thing[] {
  return addr_info
    .filter(({ scope }) => scope !== "link")
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
    .map((name) => ({ kind: "address", line: `address ${ifname} ${name}`, name, link: ifname }));
}

function isLasting({ type, dst, table }: RouteInfo): boolean {
  return table !== "local" && type !== "multicast" && !dst.startsWith("fe80:") && !dst.startsWith("ff00:");
}

function routeThing({ dst, dev, gateway, table, metric }: RouteInfo): Thing {
  const words = [
    `route ${dst}`,
    gateway && `via ${gateway}`,
    dev && `dev ${dev}`,
    table && `table ${table}`,
    metric && `metric ${metric}`,
  ];
  const line = words.filter(Boolean).join(" ");
  return { kind: "route", line, name: dst, ...(dev !== undefined && { link: dev }) };
}
