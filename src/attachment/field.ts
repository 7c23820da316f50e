// The tests that fields of a record have to pass, whatever the record's version.

export type Fields = { readonly [key: string]: unknown };

/** A record with a wrong field: the file was torn, or altered by hand. */
export class Damaged extends Error {}

/** A whole record with something that a later Pontoon alone knows. */
export class Unknown extends Error {}

/**
 * True for an object of JSON. A list passes, too, as an object without fields: whoever asks wants at least
 * one field in it. (These tests run for each record of the node, so they call little and make nothing.)
 */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

/** True for undefined, and for a text. */
export function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

/** A flag, which may be absent: that is false. Throws Damaged for anything else than true and false. */
export function readFlag(value: unknown): boolean {
  if (value === undefined || value === false) return false;
  if (value === true) return true;
  throw new Damaged();
}

/** True for a whole number that is not negative. */
export function isCount(value: unknown): value is number {
  return isWithin(value, 0, Number.MAX_SAFE_INTEGER);
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && value >= least && value <= most && value % 1 === 0;
}

/** The members of a list, each as `read` gives it. Throws Damaged for a value that is no list. */
export function listOf<T>(value: unknown, read: (member: unknown) => T): T[] {
  if (!Array.isArray(value)) throw new Damaged();
  const list: T[] = [];
  for (let at = 0; at < value.length; at++) list[at] = read(value[at]);
  return list;
}

/** True for a list whose members all pass. */
export function isListOf(value: unknown, isMember: (member: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isMember);
}

/** True for the fields by which an attachment is known. */
export function isKey(value: unknown): boolean {
  return (
    isFields(value) &&
    typeof value["network"] === "string" &&
    typeof value["containerId"] === "string" &&
    typeof value["interfaceName"] === "string"
  );
}

/** True for the identity of a host. */
export function isHost(value: unknown): boolean {
  return isFields(value) && typeof value["bootId"] === "string" && typeof value["hostCookie"] === "string";
}

/** True for the identity of a pod's namespace. */
export function isNamespace(value: unknown): boolean {
  return isFields(value) && typeof value["path"] === "string" && typeof value["cookie"] === "string";
}

/** True for an ingress policy, and for undefined. */
export function isPolicy(value: unknown): boolean {
  return value === undefined || value === "open" || value === "same-bridge" || value === "isolated";
}

/** True for limits of bandwidth, and for undefined. */
export function isBandwidth(value: unknown): boolean {
  if (value === undefined) return true;
  return (
    isFields(value) &&
    typeof value["egressInPod"] === "boolean" &&
    isOptionalText(value["ifbMac"]) &&
    isLimit(value["ingress"]) &&
    isLimit(value["egress"])
  );
}

function isLimit(value: unknown): boolean {
  if (value === undefined) return true;
  return isFields(value) && typeof value["rate"] === "number" && typeof value["burst"] === "number";
}

/** True for host ports, see AttachedHostPorts, and for undefined. */
export function areHostPorts(value: unknown): boolean {
  if (value === undefined) return true;
  if (!isFields(value)) return false;
  const { mappings, kept, masquerade, subnets, conditions4, conditions6 } = value;
  return (
    isListOf(mappings, isPortMapping) &&
    (kept === undefined || isListOf(kept, isKeptPort)) &&
    (masquerade === "none" || masquerade === "own" || masquerade === "all") &&
    isListOf(subnets, isText) &&
    isWithin(value["markBit"], 0, 31) &&
    typeof value["gatewayInterface"] === "string" &&
    typeof value["hairpin"] === "boolean" &&
    isOptionalFlag(value["allowListening"]) &&
    isOptionalFlag(value["iptablesChains"]) &&
    (conditions4 === undefined || isListOf(conditions4, isCondition)) &&
    (conditions6 === undefined || isListOf(conditions6, isCondition))
  );
}

/** True for a text. */
export function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isOptionalFlag(value: unknown): boolean {
  return value === undefined || typeof value === "boolean";
}

function isCondition(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { field, not } = value;
  return (
    (field === "saddr" || field === "daddr" || field === "iifname") &&
    typeof not === "boolean" &&
    typeof value["value"] === "string"
  );
}

const LARGEST_PORT = 65535;

function isPortMapping(value: unknown): boolean {
  return (
    isFields(value) &&
    typeof value["address"] === "string" &&
    isProtocol(value["protocol"]) &&
    isOptionalText(value["hostAddress"]) &&
    isWithin(value["hostPort"], 1, LARGEST_PORT) &&
    isWithin(value["hostPortEnd"], 1, LARGEST_PORT) &&
    isWithin(value["containerPort"], 1, LARGEST_PORT)
  );
}

function isKeptPort(value: unknown): boolean {
  return (
    isFields(value) &&
    typeof value["address"] === "string" &&
    isProtocol(value["protocol"]) &&
    isWithin(value["port"], 1, LARGEST_PORT)
  );
}

function isProtocol(value: unknown): boolean {
  return value === "tcp" || value === "udp" || value === "sctp";
}
