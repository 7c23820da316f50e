// Links, addresses and routes as `ip -j` shows them, without what nobody decided: numbers, timers, random
// names, and whether the carrier of the bridge is there yet or still.
import { type Facts, flatten } from "./facts.ts";

export interface LinkJson {
  ifindex: number;
  ifname: string;
  link_index?: number;
  link_netnsid?: number;
  address?: string;
  linkinfo?: { info_data?: Record<string, unknown> };
  addr_info: { local?: string; prefixlen?: number; scope?: string; [key: string]: unknown }[];
  [key: string]: unknown;
}

/** Names under which facts are kept: those that are random get a name for what they are. */
export interface Names {
  of(interfaceName: string): string;
  mac(address: string): string;
}

type RouteJson = {
  dst: string;
  type?: string;
  table?: string;
  dev?: string;
  metric?: number;
  flags?: string[];
  [key: string]: unknown;
};

/** Numbers of the kernel's, timers, and what follows from a MAC. */
const VOLATILE = new Set([
  "ifindex",
  "ifname",
  "link_index",
  "link_netnsid",
  "link",
  "bridge_id",
  "root_id",
  "id",
  "no",
  "designated_port",
  "address",
  "permaddr",
  "hello_timer",
  "tcn_timer",
  "topology_change_timer",
  "gc_timer",
  "hold_timer",
  "message_age_timer",
  "forward_delay_timer",
  "root_port",
  "operstate",
  "addr_info",
]);
const CARRIER = new Set(["LOWER_UP", "NO-CARRIER", "linkdown"]);

export function linkFacts(place: string, links: LinkJson[], names: Names, facts: Facts): void {
  for (const link of links) {
    const path = `${place}.link.${names.of(link.ifname)}`;
    const { flags, master, ...rest } = link as LinkJson & { flags: string[]; master?: string };
    facts.set(`${path}.flags`, withoutCarrier(flags));
    facts.set(`${path}.MAC`, names.mac(link.address ?? ""));
    if (master !== undefined) facts.set(`${path}.master`, names.of(master));
    flatten(withoutVolatile(rest), path, facts);
  }
}

/** Link-local ones come when the kernel likes; whether they come is the link's inet6_addr_gen_mode. */
export function addressFacts(place: string, links: LinkJson[], names: Names, facts: Facts): void {
  for (const { ifname, addr_info } of links) {
    for (const { local, prefixlen, label: _label, family: _family, ...rest } of addr_info) {
      if (rest.scope !== "link")
        facts.set(`${place}.address.${names.of(ifname)} ${local}/${prefixlen}`, words(rest));
    }
  }
}

export function routeFacts(place: string, routes: unknown[], names: Names, facts: Facts): void {
  for (const {
    dst,
    type = "unicast",
    table = "main",
    dev = "",
    flags = [],
    metric = 0,
    ...rest
  } of routes as RouteJson[]) {
    // The kernel makes a local route for each IPv6 address, a moment later.
    if (/^(fe80:|ff00:)/.test(dst) || (table === "local" && dst.includes(":"))) continue;
    facts.set(
      `${place}.route.${table} ${type} ${dst} dev ${names.of(dev)} metric ${metric}`,
      words({ ...rest, flags: withoutCarrier(flags) }),
    );
  }
}

function withoutCarrier(flags: string[]): string {
  return flags
    .filter((flag) => !CARRIER.has(flag))
    .toSorted()
    .join(" ");
}

function withoutVolatile(value: object): unknown {
  const kept = Object.entries(value).filter(([key]) => !VOLATILE.has(key));
  return Object.fromEntries(kept.map(([key, each]) => [key, isPlain(each) ? withoutVolatile(each) : each]));
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function words(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .sort()
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}
