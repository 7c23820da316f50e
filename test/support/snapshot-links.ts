// A place's links, addresses and routes as lines of text.
import type { Place } from "./place.ts";

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
export async function networkLines(place: Place): Promise<string[]> {
  const links = await place.json<LinkInfo[]>("ip -j -d link show");
  const addresses = await place.json<AddressInfo[]>("ip -j address show");
  const routes4 = await place.json<RouteInfo[]>("ip -j -4 route show table all");
  const routes6 = await place.json<RouteInfo[]>("ip -j -6 route show table all");
  return [
    ...links.map(linkLine),
    ...addresses.flatMap(addressLines),
    ...[...routes4, ...routes6].filter(isLasting).map(routeLine),
  ];
}

function linkLine({ ifname, mtu, flags, master, promiscuity, ifalias, linkinfo }: LinkInfo): string {
  const words = [`link ${ifname}`, linkinfo?.info_kind, `mtu ${mtu}`, flags.includes("UP") ? "up" : "down"];
  if (master !== undefined) words.push(`master ${master}`);
  // The kernel makes every bridge port promiscuous: only a link without a master was asked to be so by
  // somebody.
  if (promiscuity && master === undefined) words.push("promiscuous");
  // A bridge's own says something of all pods that it had, and goes with one of whom nobody can say it.
  if (ifalias !== undefined && linkinfo?.info_kind !== "bridge") words.push(`alias ${ifalias}`);
  return words.filter(Boolean).join(" ");
}

function addressLines({ ifname, addr_info }: AddressInfo): string[] {
  return addr_info
    .filter(({ scope }) => scope !== "link")
    .map(({ local, prefixlen }) => `address ${ifname} ${local}/${prefixlen}`);
}

function isLasting({ type, dst, table }: RouteInfo): boolean {
  return table !== "local" && type !== "multicast" && !dst.startsWith("fe80:") && !dst.startsWith("ff00:");
}

function routeLine({ dst, dev, gateway, table, metric }: RouteInfo): string {
  const words = [
    `route ${dst}`,
    gateway && `via ${gateway}`,
    dev && `dev ${dev}`,
    table && `table ${table}`,
    metric && `metric ${metric}`,
  ];
  return words.filter(Boolean).join(" ");
}
