// The result of an ADD as values, independent of the protocol version in which it is printed (CNI
// specification 1.1.0, "ADD Success").
import type { Address } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";

/** A result, whichever plugin of a chain it is of. */
export interface Result {
  interfaces: ResultInterface[];
  ips: ResultIp[];
  routes: Route[];
  dns: Dns;
}

/** An interface of a result. */
export interface ResultInterface {
  name: string;
  mac?: string | undefined;
  /** Bytes. */
  mtu?: number | undefined;
  /** CNI_NETNS exactly as given; absent for interfaces of the host. */
  sandbox?: string | undefined;
  socketPath?: string | undefined;
  pciID?: string | undefined;
}

/** True for an interface inside the pod. Some plugins give those of the host an empty sandbox. */
export function isInPod({ sandbox }: ResultInterface): boolean {
  return sandbox !== undefined && sandbox !== "";
}

/** An address of a result. */
export interface ResultIp {
  /** Index into `interfaces`; 0 is a real index. */
  interface?: number | undefined;
  /** Host bits are kept. */
  address: Prefix;
  gateway?: Address | undefined;
}

/**
 * The main table, which a table of 0 means too, and the scope of a link: RT_TABLE_MAIN and RT_SCOPE_LINK of
 * linux/rtnetlink.h. This file does not import src/netlink, since values know no wire.
 */
export const TABLE_MAIN = 254;
export const SCOPE_LINK = 253;

/** A route of a result. */
export interface Route {
  dst: Prefix;
  gw?: Address | undefined;
  /** Bytes; 0 means not set. */
  mtu?: number | undefined;
  /** Bytes; 0 means not set. */
  advmss?: number | undefined;
  /** The kernel's metric; 0 means not set. */
  priority?: number | undefined;
  /** Number of the routing table; 0 is a real value. */
  table?: number | undefined;
  /** 0 global, 253 link, 254 host. */
  scope?: number | undefined;
}

/** What a result tells of name servers. */
export interface Dns {
  nameservers?: string[] | undefined;
  domain?: string | undefined;
  search?: string[] | undefined;
  options?: string[] | undefined;
}

/**
 * The result of the chain after this plugin: everything of `previous`, then `own` with its interface indices
 * moved along ("Result Types": a plugin must pass on what it was given). The dns of `own` replaces the whole
 * previous dns unless it is empty.
 */
export function mergeResults(previous: Result, own: Result): Result {
  const shift = previous.interfaces.length;
  const moved = own.ips.map((ip) =>
    ip.interface === undefined ? ip : { ...ip, interface: ip.interface + shift },
  );
  return {
    interfaces: [...previous.interfaces, ...own.interfaces],
    ips: [...previous.ips, ...moved],
    routes: [...previous.routes, ...own.routes],
    dns: isEmptyDns(own.dns) ? previous.dns : own.dns,
  };
}

/** True when `dns` says nothing: no member, or only empty ones. */
export function isEmptyDns(dns: Dns): boolean {
  const words = (dns.nameservers?.length ?? 0) + (dns.search?.length ?? 0) + (dns.options?.length ?? 0);
  return words === 0 && (dns.domain ?? "") === "";
}
