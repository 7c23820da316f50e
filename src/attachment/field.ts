// The tests that fields of a record have to pass, whatever the record's version.

export type Fields = { readonly [key: string]: unknown };

/** A record with a wrong field: the file was torn, or altered by hand. */
export class Damaged extends Error {}

/** A whole record with something that a later Pontoon alone knows. */
export class Unknown extends Error {}

/** True for a JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True for an object in which each of the names has a text. */
export function hasTexts(value: unknown, ...names: string[]): boolean {
  if (!isFields(value)) return false;
  for (const name of names) if (typeof value[name] !== "string") return false;
  return true;
}

/** True for an object in which each of the names is true, false, or absent. */
export function hasFlags(value: unknown, ...names: string[]): boolean {
  if (!isFields(value)) return false;
  for (const name of names) if (!optional(value[name], "boolean")) return false;
  return true;
}

/** True for undefined, and for a value of the type. */
export function optional(value: unknown, type: "string" | "boolean"): boolean {
  return value === undefined || typeof value === type;
}

/** True for a whole number that is not negative. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The members of a list, each as `read` gives it. Throws Damaged for a value that is no list. */
export function listOf<T>(value: unknown, read: (member: unknown) => T): T[] {
  if (!Array.isArray(value)) throw new Damaged();
  return value.map(read);
}

/** True for an ingress policy, and for undefined. */
export function isPolicy(value: unknown): boolean {
  return value === undefined || value === "open" || value === "same-bridge" || value === "isolated";
}

/** True for limits of bandwidth. */
export function isBandwidth(value: unknown): boolean {
  return (
    isFields(value) &&
    typeof value["egressInPod"] === "boolean" &&
    optional(value["ifbMac"], "string") &&
    ["ingress", "egress"].every((name) => value[name] === undefined || isLimit(value[name]))
  );
}

function isLimit(value: unknown): boolean {
  return isFields(value) && typeof value["rate"] === "number" && typeof value["burst"] === "number";
}

/** True for host ports, see AttachedHostPorts. */
export function areHostPorts(value: unknown): boolean {
  return (
    isFields(value) &&
    Array.isArray(value["mappings"]) &&
    value["mappings"].every(isPortMapping) &&
    (value["kept"] === undefined || (Array.isArray(value["kept"]) && value["kept"].every(isKeptPort))) &&
    ["none", "own", "all"].includes(String(value["masquerade"])) &&
    Array.isArray(value["subnets"]) &&
    value["subnets"].every((subnet) => typeof subnet === "string") &&
    isWithin(value["markBit"], 0, 31) &&
    hasTexts(value, "gatewayInterface") &&
    typeof value["hairpin"] === "boolean" &&
    ["allowListening", "iptablesChains"].every((name) => optional(value[name], "boolean")) &&
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

const LARGEST_PORT = 65535;

function isPortMapping(value: unknown): boolean {
  return (
    isFields(value) &&
    hasTexts(value, "address") &&
    ["tcp", "udp", "sctp"].includes(String(value["protocol"])) &&
    optional(value["hostAddress"], "string") &&
    ["hostPort", "hostPortEnd", "containerPort"].every((name) => isWithin(value[name], 1, LARGEST_PORT))
  );
}

function isKeptPort(value: unknown): boolean {
  return (
    isFields(value) &&
    hasTexts(value, "address") &&
    ["tcp", "udp", "sctp"].includes(String(value["protocol"])) &&
    isWithin(value["port"], 1, LARGEST_PORT)
  );
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}
