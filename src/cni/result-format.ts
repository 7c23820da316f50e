// A result as JSON text, in the shape of each protocol version (CNI specification 1.1.0, "ADD Success", and
// the texts of the older versions). The Go library github.com/containernetworking/cni/pkg/types/{020,040,100}
// is the judge.
import { type Family, formatAddress } from "../ip/address.ts";
import { formatPrefix } from "../ip/prefix.ts";
import { CniError } from "./error.ts";
import {
  type Dns,
  isEmptyDns,
  type Result,
  type ResultInterface,
  type ResultIp,
  type Route,
} from "./result.ts";
import { compareVersions, type Version } from "./version.ts";

/**
 * The result for stdout, indented by four spaces. Lists that are empty are left out. Throws CniError 7 below
 * 0.3.0 when there is no address: those shapes have no place for such a result.
 */
export function formatResult(result: Result, version: Version): string {
  const shape =
    compareVersions(version, "0.3.0") < 0
      ? perFamily
      : compareVersions(version, "1.0.0") < 0
        ? withVersions
        : newest;
  return JSON.stringify({ cniVersion: version, ...shape(result) }, undefined, 4);
}

/** CniError 7 for a result without an address below 0.3.0. ADD asks for it before it changes anything. */
export function layer2NotExpressible(version: Version): CniError {
  return new CniError("invalidConfig", {
    message: "cannot convert: no valid IP addresses",
    cause: `a result of version ${version} must contain an IP address, and this network gives none`,
    hint: "Set cniVersion to 0.3.0 or newer, or give the network an ipam section with ranges",
    path: "cniVersion",
  });
}

/** The shape of 0.1.0 and 0.2.0: one address per family, no interfaces; an empty dns is printed. */
function perFamily({ ips, routes, dns }: Result): object {
  const ip4 = formatFamily(4, ips, routes);
  const ip6 = formatFamily(6, ips, routes);
  if (ip4 === undefined && ip6 === undefined) throw layer2NotExpressible("0.2.0");
  return { ip4, ip6, dns: formatDns(dns) };
}

/**
 * The first address of a family and the family's routes, which hold only destination and gateway in this
 * shape.
 */
function formatFamily(family: Family, ips: ResultIp[], routes: Route[]): object | undefined {
  const ofFamily: object[] = [];
  for (const { dst, gw } of routes)
    if (dst.address.family === family) ofFamily.push(formatRoute({ dst, gw }));
  for (const { address, gateway } of ips) {
    if (address.address.family !== family) continue;
    return {
      ip: formatPrefix(address),
      gateway: gateway && formatAddress(gateway),
      routes: filled(ofFamily),
    };
  }
  return undefined;
}

/** The shape of 0.3.0 to 0.4.0: every address names its family; an empty dns is printed. */
function withVersions({ interfaces, ips, routes, dns }: Result): object {
  return {
    interfaces: filled(interfaces.map(({ name, mac, sandbox }) => formatInterface({ name, mac, sandbox }))),
    ips: filled(ips.map((ip) => ({ version: String(ip.address.address.family), ...formatIp(ip) }))),
    routes: filled(routes.map(formatRoute)),
    dns: formatDns(dns),
  };
}

/** The shape of 1.0.0 and 1.1.0; as in the Go library the newer fields are printed for both. */
function newest({ interfaces, ips, routes, dns }: Result): object {
  return {
    interfaces: filled(interfaces.map(formatInterface)),
    ips: filled(ips.map(formatIp)),
    routes: filled(routes.map(formatRoute)),
    dns: isEmptyDns(dns) ? undefined : formatDns(dns),
  };
}

function formatInterface({ name, mac, mtu, sandbox, socketPath, pciID }: ResultInterface): object {
  return {
    name,
    mac: mac || undefined,
    mtu: mtu || undefined,
    sandbox: sandbox || undefined,
    socketPath: socketPath || undefined,
    pciID: pciID || undefined,
  };
}

function formatIp({ interface: index, address, gateway }: ResultIp): object {
  return { interface: index, address: formatPrefix(address), gateway: gateway && formatAddress(gateway) };
}

/** A route of the newest shape. In table and scope 0 is a value; in all other fields it means "not set". */
function formatRoute({ dst, gw, mtu, advmss, priority, table, scope }: Route): object {
  return {
    dst: formatPrefix(dst),
    gw: gw && formatAddress(gw),
    mtu: mtu || undefined,
    advmss: advmss || undefined,
    priority: priority || undefined,
    table,
    scope,
  };
}

function formatDns({ nameservers, domain, search, options }: Dns): object {
  return {
    nameservers: filled(nameservers),
    domain: domain || undefined,
    search: filled(search),
    options: filled(options),
  };
}

/** The list, or undefined when it is empty: JSON.stringify leaves undefined fields out. */
function filled<Item>(list: Item[] | undefined): Item[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}
