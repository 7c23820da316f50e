// Host ports as a runtime asks for them: `runtimeConfig.portMappings`, with the keys of the reference
// `portmap` beside it.
import { type Address, type Family, formatAddress, parseAddress } from "../ip/address.ts";
import { type PortCondition, readConditions } from "./condition.ts";
import type { PortShape, Shape } from "./netconf-keys.ts";
import type { Problems } from "./problems.ts";

export const PROTOCOLS = ["tcp", "udp", "sctp"] as const;

/** A range of ports of the node that lead to a range of ports of the pod, of equal length. */
export interface PortMapping {
  protocol: (typeof PROTOCOLS)[number];
  /** The node's address; undefined: all addresses. 0.0.0.0 and :: stand for all addresses of their family. */
  hostAddress: Address | undefined;
  hostPort: number;
  hostPortEnd: number;
  containerPort: number;
}

export interface HostPortConfig {
  /** The mappings, at least one. */
  mappings: PortMapping[];
  /** Connections that would get no answer otherwise get the node's address. */
  snat: boolean;
  /** All connections get the node's address. */
  masqAll: boolean;
  /** Number of the bit that marks packets on their way to a host port. */
  markMasqBit: number;
  allowListening: boolean;
  /** Other programs find the ports in iptables, as they find ports of the reference plugin. */
  iptablesChains: boolean;
  /** Conditions that connections must meet; undefined: all connections reach the pod. */
  conditions4: PortCondition[] | undefined;
  conditions6: PortCondition[] | undefined;
}

/** The number of the mark's bit where none is given, as in the reference. */
export const DEFAULT_MARK_BIT = 13;
export const LARGEST_PORT = 65535;

/**
 * The host ports; undefined when none is asked for. Every wrong value is reported, even of a key that no port
 * uses.
 */
export function readHostPorts(shape: Shape, problems: Problems): HostPortConfig | undefined {
  if (!saysSomethingOfPorts(shape)) return undefined;
  const { runtimeConfig, snat, masqAll, markMasqBit, allowListening, compat } = shape;
  if (markMasqBit !== undefined && (markMasqBit < 0 || markMasqBit > 31))
    problems.add("markMasqBit", markMasqBit, "MasqMarkBit must be between 0 and 31");
  const mappings: Read[] = [];
  let position = 0;
  for (const source of runtimeConfig?.portMappings ?? []) {
    const mapping = readMapping(source, position++, problems);
    if (mapping !== undefined) mappings.push(mapping);
  }
  if (mappings.length > 1) checkApart(mappings, problems);
  const conditions4 = conditionsOf(shape.conditionsV4, 4, problems);
  const conditions6 = conditionsOf(shape.conditionsV6, 6, problems);
  if (mappings.length === 0) return undefined;
  return {
    mappings: mappings.map(({ position: _, ...mapping }) => mapping),
    snat: snat ?? true,
    masqAll: masqAll ?? false,
    markMasqBit: markMasqBit ?? DEFAULT_MARK_BIT,
    allowListening: allowListening ?? false,
    iptablesChains: compat?.iptablesHostPortChains ?? false,
    conditions4,
    conditions6,
  };
}

function saysSomethingOfPorts({ runtimeConfig, markMasqBit, conditionsV4, conditionsV6 }: Shape): boolean {
  return (
    runtimeConfig?.portMappings !== undefined ||
    markMasqBit !== undefined ||
    conditionsV4 !== undefined ||
    conditionsV6 !== undefined
  );
}

/** Reads the conditions of one family. */
function conditionsOf(
  words: string[] | undefined,
  family: Family,
  problems: Problems,
): PortCondition[] | undefined {
  if (words === undefined || words.length === 0) return undefined;
  const conditions = readConditions(words, family, problems);
  return conditions.length === 0 ? undefined : conditions;
}

/** A mapping with its place in the list. */
interface Read extends PortMapping {
  position: number;
}

function pathOf(position: number): string {
  return `runtimeConfig.portMappings[${position}]`;
}

function readMapping(source: PortShape, position: number, problems: Problems): Read | undefined {
  const path = pathOf(position);
  const protocol = readProtocol(source.protocol, path, problems);
  const hostAddress = readHostAddress(source.hostIP, path, problems);
  const hostPort = readPort(
    source.hostPort,
    { path: `${path}.hostPort`, title: "Invalid host port number" },
    problems,
  );
  const containerPort = readPort(
    source.containerPort,
    { path: `${path}.containerPort`, title: "Invalid container port number" },
    problems,
  );
  if (
    protocol === undefined ||
    hostAddress === "wrong" ||
    hostPort === undefined ||
    containerPort === undefined
  )
    return undefined;
  const hostPortEnd = readEnd(source.hostPortEnd, { path, hostPort, containerPort }, problems);
  return hostPortEnd === undefined
    ? undefined
    : { position, protocol, hostAddress, hostPort, hostPortEnd, containerPort };
}

function readProtocol(
  text: string | undefined,
  path: string,
  problems: Problems,
): PortMapping["protocol"] | undefined {
  const wanted = (text || "tcp").toLowerCase();
  for (const protocol of PROTOCOLS) if (protocol === wanted) return protocol;
  problems.add(`${path}.protocol`, text, "must be tcp, udp or sctp");
  return undefined;
}

function readHostAddress(
  text: string | undefined,
  path: string,
  problems: Problems,
): Address | undefined | "wrong" {
  if (text === undefined || text === "") return undefined;
  const address = parseAddress(text);
  if (address === undefined)
    problems.add(`${path}.hostIP`, text, "must be an IP address of the node; leave it out for all of them");
  else if (address.family === 6 && address.value === 1n)
    problems.add(`${path}.hostIP`, text, "Linux cannot lead connections to ::1 elsewhere; use 127.0.0.1");
  else return address;
  return "wrong";
}

/** A port number in the configuration. */
interface PortPlace {
  path: string;
  /** How sentences about the number begin. */
  title: string;
}

function readPort(
  port: number | undefined,
  { path, title }: PortPlace,
  problems: Problems,
): number | undefined {
  if (port !== undefined && port >= 1 && port <= LARGEST_PORT) return port;
  if (port === undefined) problems.addAt(path, `${title}: it is missing`);
  else problems.add(path, port, `${title}: ${port}; it must be from 1 to ${LARGEST_PORT}`);
  return undefined;
}

/** Where a mapping begins, on the node and in the pod, and where it stands in the configuration. */
interface Start {
  path: string;
  hostPort: number;
  containerPort: number;
}

/** The last port of a range. 0 counts as absent: a Go program sends it for a number that it does not set. */
function readEnd(
  end: number | undefined,
  { path, hostPort, containerPort }: Start,
  problems: Problems,
): number | undefined {
  if (end === undefined || end === 0) return hostPort;
  const where = `${path}.hostPortEnd`;
  if (end < hostPort || end > LARGEST_PORT)
    problems.add(where, end, `must be from hostPort, which is ${hostPort}, to ${LARGEST_PORT}`);
  else if (containerPort + end - hostPort > LARGEST_PORT)
    problems.add(
      where,
      end,
      `leads beyond port ${LARGEST_PORT} of the pod, from containerPort ${containerPort} on`,
    );
  else return end;
  return undefined;
}

/**
 * Reports ports that are mapped twice: they could lead to two places. Mappings are sorted by port, so each is
 * compared only with mappings that reach as far.
 */
function checkApart(mappings: Read[], problems: Problems): void {
  let open: Read[] = [];
  const twice: [earlier: Read, later: Read][] = [];
  for (const mapping of mappings.toSorted((a, b) => a.hostPort - b.hostPort)) {
    open = open.filter(({ hostPortEnd }) => hostPortEnd >= mapping.hostPort);
    const other = open.find((each) => overlap(mapping, each));
    if (other === undefined) open.push(mapping);
    else twice.push(other.position < mapping.position ? [other, mapping] : [mapping, other]);
  }
  for (const [earlier, later] of twice.sort(([, a], [, b]) => a.position - b.position)) {
    problems.add(
      `${pathOf(later.position)}.hostPort`,
      later.hostPort,
      `is asked for twice: ${textOf(earlier)} is in ${pathOf(earlier.position)} too`,
    );
  }
}

function overlap(a: PortMapping, b: PortMapping): boolean {
  return (
    a.protocol === b.protocol &&
    a.hostPort <= b.hostPortEnd &&
    b.hostPort <= a.hostPortEnd &&
    shareAddress(a.hostAddress, b.hostAddress)
  );
}

function shareAddress(a: Address | undefined, b: Address | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  return a.family === b.family && (a.value === 0n || b.value === 0n || a.value === b.value);
}

function textOf({ protocol, hostAddress, hostPort, hostPortEnd }: PortMapping): string {
  const ports = hostPort === hostPortEnd ? `port ${hostPort}` : `ports ${hostPort} to ${hostPortEnd}`;
  return `${protocol} ${ports}${hostAddress === undefined || hostAddress.value === 0n ? "" : ` of ${formatAddress(hostAddress)}`}`;
}
