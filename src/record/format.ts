// A record as text and back. What is read may be torn, altered by hand or from another version of Pontoon.
import type { AttachmentRecord, HostIdentity } from "./attachment.ts";

/** A text as a record, or why it is none. `unknownVersion` is whole, but a later Pontoon wrote it. */
export type ParsedRecord =
  | { state: "record"; record: AttachmentRecord }
  | { state: "damaged" }
  | { state: "unknownVersion" };

export function formatRecord(record: AttachmentRecord): string {
  return `${JSON.stringify(record, undefined, 1)}\n`;
}

/** Reads a record. Never throws; every field of a record it gives has the type that AttachmentRecord says. */
export function parseRecord(text: string): ParsedRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { state: "damaged" };
  }
  if (!isObject(value)) return { state: "damaged" };
  if (typeof value["version"] === "number" && value["version"] !== 1) return { state: "unknownVersion" };
  return isRecord(value)
    ? { state: "record", record: value as unknown as AttachmentRecord }
    : { state: "damaged" };
}

export function sameHost(a: HostIdentity, b: HostIdentity): boolean {
  return a.bootId === b.bootId && a.hostCookie === b.hostCookie;
}

function isRecord(value: Record<string, unknown>): boolean {
  return (
    value["version"] === 1 &&
    hasTexts(value["key"], "network", "containerId", "interfaceName") &&
    hasTexts(value["host"], "bootId", "hostCookie") &&
    hasTexts(value["namespace"], "path", "cookie") &&
    hasTexts(value, "bridge", "hostInterface", "hostMac", "mac") &&
    ["leaseDirectory", "gatewayInterface", "pod"].every(
      (name) => value[name] === undefined || typeof value[name] === "string",
    ) &&
    ["masqueradeSubnets", "foreignRoutes"].every(
      (name) => value[name] === undefined || isTextList(value[name]),
    ) &&
    (value["masqueradeBackend"] === undefined || value["masqueradeBackend"] === "iptables") &&
    ["spoofCheck", "sourceRouting"].every(
      (name) => value[name] === undefined || typeof value[name] === "boolean",
    ) &&
    (value["ingressPolicy"] === undefined ||
      ["open", "same-bridge", "isolated"].includes(String(value["ingressPolicy"]))) &&
    (value["bandwidth"] === undefined || isBandwidth(value["bandwidth"])) &&
    (value["hostPorts"] === undefined || areHostPorts(value["hostPorts"])) &&
    typeof value["mtu"] === "number" &&
    isTextList(value["addresses"])
  );
}

function isBandwidth(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value["egressInPod"] === "boolean" &&
    ["ingress", "egress"].every((name) => value[name] === undefined || isLimit(value[name]))
  );
}

function isLimit(value: unknown): boolean {
  return isObject(value) && typeof value["rate"] === "number" && typeof value["burst"] === "number";
}

function areHostPorts(value: unknown): boolean {
  return (
    isObject(value) &&
    Array.isArray(value["mappings"]) &&
    value["mappings"].every(isPortMapping) &&
    ["none", "own", "all"].includes(String(value["masquerade"])) &&
    isTextList(value["subnets"]) &&
    isWithin(value["markBit"], 0, 31) &&
    hasTexts(value, "gatewayInterface") &&
    typeof value["hairpin"] === "boolean" &&
    (value["iptablesChains"] === undefined || typeof value["iptablesChains"] === "boolean") &&
    ["conditions4", "conditions6"].every((name) => value[name] === undefined || areConditions(value[name]))
  );
}

function areConditions(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (each) =>
        hasTexts(each, "value") &&
        ["saddr", "daddr", "iifname"].includes(String(each["field"])) &&
        typeof each["not"] === "boolean",
    )
  );
}

function isPortMapping(value: unknown): boolean {
  return (
    isObject(value) &&
    hasTexts(value, "address") &&
    ["tcp", "udp", "sctp"].includes(String(value["protocol"])) &&
    (value["hostAddress"] === undefined || typeof value["hostAddress"] === "string") &&
    ["hostPort", "hostPortEnd", "containerPort"].every((name) => isWithin(value[name], 1, 65535))
  );
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}

function hasTexts(value: unknown, ...names: string[]): boolean {
  return isObject(value) && names.every((name) => typeof value[name] === "string");
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
