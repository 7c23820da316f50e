// A result as it comes back in `prevResult`, or from an IPAM plugin. The shape of the result decides how it
// is read, not the version that it claims: any program in the chain may have written it.
import { type Address, parseAddress } from "../ip/address.ts";
import { type Prefix, parsePrefix, prefixProblem } from "../ip/prefix.ts";
import { type Fields, isFields, type KeyTree, type Kind, normaliseKeys } from "./keys.ts";
import type { Problems } from "./problems.ts";
import type { Dns, Result, ResultInterface, ResultIp, Route } from "./result.ts";

export const ROUTE = {
  dst: "text",
  gw: "text",
  mtu: "whole",
  advmss: "whole",
  priority: "whole",
  table: "whole",
  scope: "whole",
} as const satisfies KeyTree;
export const TEXTS = ["text"] as const satisfies Kind;
export const DNS = {
  nameservers: TEXTS,
  domain: "text",
  search: TEXTS,
  options: TEXTS,
} as const satisfies KeyTree;

// Kinds below this key are not checked: the readers of this file report wrong values.
const ROUTES: Kind = [ROUTE];
const FAMILY: KeyTree = { ip: true, gateway: true, routes: ROUTES };
const RESULT: KeyTree = {
  interfaces: [{ name: true, mac: true, mtu: true, sandbox: true, socketPath: true, pciID: true }],
  ips: [{ interface: true, address: true, gateway: true }],
  ip4: FAMILY,
  ip6: FAMILY,
  routes: ROUTES,
  dns: DNS,
};

const UINT32 = 0xffff_ffff;

/** The readable parts of the result; everything else is reported. */
export function readResult(value: unknown, path: string, problems: Problems): Result {
  const fields = readFields(normaliseKeys(value, RESULT), path, problems);
  const result: Result = {
    interfaces: readInterfaces(fields["interfaces"], `${path}.interfaces`, problems),
    ips: readIps(fields["ips"], `${path}.ips`, problems),
    routes: readRoutes(fields["routes"], `${path}.routes`, problems),
    dns: readDns(fields["dns"], `${path}.dns`, problems),
  };
  for (const key of ["ip4", "ip6"]) {
    if (fields[key] === undefined) continue;
    const { ip, routes } = readFamily(fields[key], `${path}.${key}`, problems);
    if (ip !== undefined) result.ips.push(ip);
    // Routes are added singly: an engine passes no more than 65,535 arguments.
    for (const route of routes) result.routes.push(route);
  }
  return result;
}

/** The routes of a list of `{ dst, gw?, … }`; wrong entries are reported and left out. */
export function readRoutes(value: unknown, path: string, problems: Problems): Route[] {
  return readRouteList(normaliseKeys(value, ROUTES), path, problems);
}

/** The dns of a result or of the configuration. Every wrong value is reported and left out. */
export function readDns(value: unknown, path: string, problems: Problems): Dns {
  const fields = readFields(normaliseKeys(value ?? {}, DNS), path, problems);
  const texts = (key: string): string[] | undefined =>
    fields[key] === undefined ? undefined : readTexts(fields[key], `${path}.${key}`, problems);
  return given({
    nameservers: texts("nameservers"),
    domain: readOptionalText(fields["domain"], `${path}.domain`, problems),
    search: texts("search"),
    options: texts("options"),
  });
}

/** What the `ip4` or `ip6` of 0.1.0 and 0.2.0 says. */
interface FamilyResult {
  /** Undefined when it cannot be read. */
  ip: ResultIp | undefined;
  routes: Route[];
}

function readFamily(value: unknown, path: string, problems: Problems): FamilyResult {
  const fields = readFields(value, path, problems);
  const address = readPrefix(fields["ip"], `${path}.ip`, problems);
  const gateway = readOptionalAddress(fields["gateway"], `${path}.gateway`, problems);
  return {
    ip: address && given({ address, gateway }),
    routes: readRoutes(fields["routes"], `${path}.routes`, problems),
  };
}

function readInterface(value: unknown, path: string, problems: Problems): ResultInterface {
  const fields = readFields(value, path, problems);
  const text = (key: string): string | undefined => readOptionalText(fields[key], `${path}.${key}`, problems);
  return given({
    name: text("name") ?? "",
    mac: text("mac"),
    mtu: readWhole(fields["mtu"], `${path}.mtu`, problems) || undefined,
    sandbox: text("sandbox"),
    socketPath: text("socketPath"),
    pciID: text("pciID"),
  });
}

function readIp(value: unknown, path: string, problems: Problems): ResultIp | undefined {
  const fields = readFields(value, path, problems);
  const index = readWhole(fields["interface"], `${path}.interface`, problems);
  const address = readPrefix(fields["address"], `${path}.address`, problems);
  const gateway = readOptionalAddress(fields["gateway"], `${path}.gateway`, problems);
  return address && given({ interface: index, address, gateway });
}

function readRoute(value: unknown, path: string, problems: Problems): Route | undefined {
  const fields = readFields(value, path, problems);
  const dst = readPrefix(fields["dst"], `${path}.dst`, problems);
  const gw = readOptionalAddress(fields["gw"], `${path}.gw`, problems);
  const whole = (key: string): number | undefined => readWhole(fields[key], `${path}.${key}`, problems);
  const rest = {
    mtu: whole("mtu"),
    advmss: whole("advmss"),
    priority: whole("priority"),
    table: whole("table"),
    scope: whole("scope"),
  };
  if ((rest.scope ?? 0) > 255)
    problems.add(`${path}.scope`, rest.scope, "must be a whole number from 0 to 255");
  return dst && given({ dst, gw, ...rest });
}

function readFields(value: unknown, path: string, problems: Problems): Fields {
  if (isFields(value)) return value;
  problems.add(path, value, "must be an object");
  return {};
}

/** Reads what stands at `path`, and reports what is wrong with it. */
type Reader<Value> = (value: unknown, path: string, problems: Problems) => Value;

/** A reader of lists whose items `read` reads. No list is an empty one; unreadable items are left out. */
function listReader<Item>(read: Reader<Item | undefined>): Reader<Item[]> {
  return (value, path, problems) => {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      problems.add(path, value, "must be a list");
      return [];
    }
    const items: Item[] = [];
    for (const [index, each] of value.entries()) {
      const item = read(each, `${path}[${index}]`, problems);
      if (item !== undefined) items.push(item);
    }
    return items;
  };
}

const readInterfaces = listReader(readInterface);
const readIps = listReader(readIp);
const readRouteList = listReader(readRoute);
const readTexts = listReader(readText);

function readText(value: unknown, path: string, problems: Problems): string | undefined {
  if (typeof value === "string") return value;
  problems.add(path, value, "must be text in quotes");
  return undefined;
}

/** A text; undefined when it is absent or empty, since Go leaves an empty text out when it prints. */
function readOptionalText(value: unknown, path: string, problems: Problems): string | undefined {
  return value === undefined ? undefined : readText(value, path, problems) || undefined;
}

function readWhole(value: unknown, path: string, problems: Problems): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= UINT32) return value;
  problems.add(path, value, `must be a whole number from 0 to ${UINT32}`);
  return undefined;
}

function readPrefix(value: unknown, path: string, problems: Problems): Prefix | undefined {
  const prefix = typeof value === "string" ? parsePrefix(value) : undefined;
  if (value === undefined)
    problems.addAt(path, 'is missing; it must be an address with its prefix length, as in "10.1.2.3/16"');
  else if (prefix === undefined)
    problems.add(path, value, prefixProblem(value, 'an address with its prefix length, as in "10.1.2.3/16"'));
  return prefix;
}

/** An address; undefined when it is absent or an empty text, as Go's net.IP reads it. */
function readOptionalAddress(value: unknown, path: string, problems: Problems): Address | undefined {
  if (value === undefined || value === "") return undefined;
  const address = typeof value === "string" ? parseAddress(value) : undefined;
  if (address === undefined) problems.add(path, value, "must be an IP address");
  return address;
}

/** The object without its undefined fields, so that results compare and print like the text that was read. */
function given<Shape extends object>(fields: Shape): Shape {
  for (const key of Object.keys(fields) as (keyof Shape)[]) {
    if (fields[key] === undefined) delete fields[key];
  }
  return fields;
}
