// The text of a record: an attachment as JSON and back. A text that is read may be torn, altered by hand or
// from another version of Pontoon.
import type { Route } from "../cni/result.ts";
import { type Address, formatAddress, parseAddress } from "../ip/address.ts";
import { formatPrefix, type Prefix, parsePrefix } from "../ip/prefix.ts";
import { type Attachment, type PodAddress, VERSION } from "./attachment.ts";
import {
  areHostPorts,
  Damaged,
  type Fields,
  isBandwidth,
  isCount,
  isFields,
  isHost,
  isKey,
  isListOf,
  isNamespace,
  isOptionalText,
  isPolicy,
  listOf,
  readFlag,
  Unknown,
} from "./field.ts";
import { hostEndOf } from "./link.ts";
import { formatLink, readLink } from "./link-text.ts";
import { hostInterfaceName } from "./name.ts";
import { readVersion1 } from "./version-1.ts";

/**
 * A text as an attachment, or the reason why it is none. `unknownVersion`: the text is whole, but a later
 * Pontoon wrote it; `version` has the number, and in words what else is not known.
 */
export type ParsedRecord =
  | { state: "record"; attachment: Attachment }
  | { state: "damaged" }
  | { state: "unknownVersion"; version: string };

/**
 * The text of an attachment's record, in the newest version. Fields that are false or undefined are left out.
 */
export function formatRecord(attachment: Attachment): string {
  const { addresses, routes, gateway, masquerade, link } = attachment;
  const text = {
    ...attachment,
    version: VERSION,
    link: formatLink(link),
    addresses: addresses.map(formatPodAddress),
    routes: routes.map(formatRoute),
    detectsDuplicates: attachment.detectsDuplicates || undefined,
    gateway: gateway && { ...gateway, ofOtherRanges: gateway.ofOtherRanges?.map(formatPrefix) },
    masquerade: masquerade && { ...masquerade, subnets: masquerade.subnets.map(formatPrefix) },
    spoofCheck: attachment.spoofCheck || undefined,
    sourceRouting: attachment.sourceRouting || undefined,
  };
  return `${JSON.stringify(text, undefined, 1)}\n`;
}

/** The record that was read last: a DEL reads its own before and after it has stopped an ADD. */
let latest: { text: string; parsed: ParsedRecord } | undefined;

/**
 * Reads a record of any version that this Pontoon knows. Never throws; the fields of the answer have their
 * types.
 */
export function parseRecord(text: string): ParsedRecord {
  if (latest?.text !== text) latest = { text, parsed: parseAnew(text) };
  return latest.parsed;
}

function parseAnew(text: string): ParsedRecord {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return { state: "damaged" };
  }
  if (!isFields(fields)) return { state: "damaged" };
  const { version } = fields;
  if (typeof version === "number" && version !== 1 && version !== VERSION)
    return { state: "unknownVersion", version: String(version) };
  try {
    const attachment = version === 1 ? readVersion1(fields) : readVersion2(fields);
    // A record that was altered by hand must not have a DEL delete another interface of the host.
    const host = hostEndOf(attachment.link);
    if (host !== undefined && host.name !== hostInterfaceName(attachment.key)) return { state: "damaged" };
    return { state: "record", attachment };
  } catch (error) {
    if (error instanceof Damaged) return { state: "damaged" };
    if (error instanceof Unknown)
      return { state: "unknownVersion", version: `${VERSION} with ${error.message}` };
    throw error;
  }
}

/** Fills in fields that the text leaves out, and turns text into values, in the object that was read. */
function readVersion2(fields: Fields): Attachment {
  if (!isVersion2(fields)) throw new Damaged();
  const whole = fields as unknown as Attachment;
  whole.detectsDuplicates = readFlag(fields["detectsDuplicates"]);
  whole.spoofCheck = readFlag(fields["spoofCheck"]);
  whole.sourceRouting = readFlag(fields["sourceRouting"]);
  whole.addresses = listOf(fields["addresses"], readPodAddress);
  whole.routes = listOf(fields["routes"], readRoute);
  whole.gateway = readGateway(fields["gateway"]);
  whole.masquerade = readMasquerade(fields["masquerade"]);
  // A link of a later kind is no damage, so all else is read before it.
  whole.link = readLink(fields["link"]);
  return whole;
}

function isVersion2(fields: Fields): boolean {
  return (
    fields["version"] === VERSION &&
    isKey(fields["key"]) &&
    isHost(fields["host"]) &&
    isNamespace(fields["namespace"]) &&
    isOptionalText(fields["leaseDirectory"]) &&
    isOptionalText(fields["pod"]) &&
    isPolicy(fields["ingressPolicy"]) &&
    isAddressCheck(fields["addressCheck"]) &&
    isBandwidth(fields["bandwidth"]) &&
    areHostPorts(fields["hostPorts"]) &&
    isTuning(fields["tuning"])
  );
}

function readGateway(value: unknown): Attachment["gateway"] {
  if (value === undefined) return undefined;
  if (!isFields(value)) throw new Damaged();
  const { force, ofOtherRanges: others } = value;
  if (typeof force !== "boolean") throw new Damaged();
  return others === undefined ? { force } : { force, ofOtherRanges: listOf(others, readPrefix) };
}

function isAddressCheck(value: unknown): boolean {
  return value === undefined || (isFields(value) && typeof value["asksDhcp"] === "boolean");
}

function isTuning(value: unknown): boolean {
  if (value === undefined) return true;
  return (
    isFields(value) &&
    isListOf(value["sysctls"], isSysctl) &&
    (value["txQueueLength"] === undefined || isCount(value["txQueueLength"])) &&
    typeof value["promiscuous"] === "boolean" &&
    typeof value["allMulticast"] === "boolean"
  );
}

function isSysctl(value: unknown): boolean {
  return (
    isFields(value) &&
    typeof value["key"] === "string" &&
    typeof value["name"] === "string" &&
    typeof value["value"] === "string"
  );
}

function readMasquerade(value: unknown): Attachment["masquerade"] {
  if (value === undefined) return undefined;
  if (!isFields(value)) throw new Damaged();
  const { backend, subnets } = value;
  if (backend !== "nftables" && backend !== "iptables") throw new Damaged();
  return { backend, subnets: listOf(subnets, readPrefix) };
}

function formatPodAddress({ address, gateway }: PodAddress) {
  return { address: formatPrefix(address), gateway: gateway && formatAddress(gateway) };
}

function readPodAddress(value: unknown): PodAddress {
  if (!isFields(value)) throw new Damaged();
  const { address, gateway } = value;
  return { address: readPrefix(address), gateway: gateway === undefined ? undefined : readAddress(gateway) };
}

function formatRoute({ dst, gw, ...numbers }: Route) {
  return { dst: formatPrefix(dst), gw: gw && formatAddress(gw), ...numbers };
}

function readRoute(value: unknown): Route {
  if (!isFields(value)) throw new Damaged();
  const { dst, gw, mtu, advmss, priority, table, scope } = value;
  const route: Route = { dst: readPrefix(dst) };
  if (gw !== undefined) route.gw = readAddress(gw);
  if (mtu !== undefined) route.mtu = readCount(mtu);
  if (advmss !== undefined) route.advmss = readCount(advmss);
  if (priority !== undefined) route.priority = readCount(priority);
  if (table !== undefined) route.table = readCount(table);
  if (scope !== undefined) route.scope = readCount(scope);
  return route;
}

function readCount(value: unknown): number {
  if (!isCount(value)) throw new Damaged();
  return value;
}

/** The prefixes and addresses that were read, by their texts: most records of a node have the same ones. */
const prefixes = new Map<string, Prefix>();
const addresses = new Map<string, Address>();

/** The prefix that a text names. Throws Damaged for anything else. */
export function readPrefix(value: unknown): Prefix {
  return readOnce(value, parsePrefix, prefixes);
}

function readAddress(value: unknown): Address {
  return readOnce(value, parseAddress, addresses);
}

function readOnce<T>(
  value: unknown,
  parse: (text: string) => T | undefined,
  parsedBefore: Map<string, T>,
): T {
  if (typeof value !== "string") throw new Damaged();
  const known = parsedBefore.get(value);
  if (known !== undefined) return known;
  const parsed = parse(value);
  if (parsed === undefined) throw new Damaged();
  parsedBefore.set(value, parsed);
  return parsed;
}
