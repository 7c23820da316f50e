// Reading a document strictly: every key is known, every value has its type and its limits. A wrong value is
// told with its place, and reading goes on, so that all of them are told at once.
import { isFields } from "../cni/keys.ts";
import { macProblem } from "../cni/mac.ts";
import { type Problems, quote } from "../cni/problems.ts";
import { similarName } from "../cni/similar.ts";
import { type Address, formatAddress, isLoopbackAddress, parseAddress } from "../ip/address.ts";
import { isLinkLocal } from "../ip/link-local.ts";
import { formatPrefix, hasHostBits, networkOf, type Prefix, parsePrefix } from "../ip/prefix.ts";

/** The place of a value in the document, and the problems found so far. */
export interface Place {
  path: string;
  problems: Problems;
}

/** Gives the value, or undefined after it has told the problem. */
export type Read<T> = (value: unknown, at: Place) => T | undefined;

function refuse(value: unknown, { path, problems }: Place, text: string): undefined {
  problems.add(path, value, text);
}

/** Any text. */
export const text: Read<string> = (value, at) =>
  typeof value === "string" ? value : refuse(value, at, "must be text in quotes");

/** A whole number within limits, both included. */
export function whole(least: number, most: number): Read<number> {
  return (value, at) =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most
      ? value
      : refuse(value, at, `must be a whole number from ${least} to ${most}`);
}

/** A list of at most `most` items. A wrong item is told, and left out. */
export function list<T>(item: Read<T>, most: number): Read<T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) return refuse(value, at, "must be a list");
    if (value.length > most) return refuse(value, at, `has ${value.length} items; ${most} are allowed`);
    return value.flatMap((each, index) => {
      const found = item(each, { ...at, path: `${at.path}[${index}]` });
      return found === undefined ? [] : [found];
    });
  };
}

/** The keys of an object: how each is read, and which of them may be absent. */
export type Keys<T> = { [Name in keyof T]-?: Read<NonNullable<T[Name]>> };

/**
 * An object with these keys and no others. Undefined where a key is missing or wrong that is not among
 * `optional`.
 */
export function object<T>(keys: Keys<T>, optional: readonly (keyof T)[] = []): Read<T> {
  return (value, at) => {
    if (!isFields(value)) return refuse(value, at, "must be an object");
    const { problems } = at;
    const below = (key: string): string => (at.path === "" ? key : `${at.path}.${key}`);
    for (const key of Object.keys(value)) if (!Object.hasOwn(keys, key)) tellUnknown(key, keys, at);
    const found: Partial<T> = {};
    let isWhole = true;
    for (const name of Object.keys(keys) as (keyof T & string)[]) {
      const isThere = Object.hasOwn(value, name);
      if (!isThere && !optional.includes(name)) problems.addAt(below(name), "is missing");
      const read = isThere ? keys[name](value[name], { path: below(name), problems }) : undefined;
      if (read !== undefined) found[name] = read;
      else if (isThere || !optional.includes(name)) isWhole = false;
    }
    return isWhole ? (found as T) : undefined;
  };
}

function tellUnknown(key: string, keys: object, { path, problems }: Place): void {
  const meant = similarName(key, Object.keys(keys));
  const question = meant === undefined ? "" : `; did you mean "${meant}"?`;
  problems.addAt(path === "" ? "the document" : path, `unknown key ${quote(key)}${question}`);
}

/** An address that a node can have and others can reach. */
export const nodeAddress: Read<Address> = (value, at) => {
  const address = typeof value === "string" ? parseAddress(value) : undefined;
  if (address === undefined) return refuse(value, at, "must be an IPv4 or IPv6 address");
  const problem = unusual(address);
  return problem === undefined ? address : refuse(value, at, problem);
};

/** A subnet by its first address, as in 10.244.1.0/24. */
export const anySubnet: Read<Prefix> = (value, at) => {
  const prefix = typeof value === "string" ? parsePrefix(value) : undefined;
  if (prefix === undefined) return refuse(value, at, "must be a subnet, as in 10.244.1.0/24");
  if (hasHostBits(prefix))
    return refuse(value, at, `has bits behind its length; write ${formatPrefix(networkOf(prefix))}`);
  return prefix;
};

/** A subnet that pods can have. */
export const podSubnet: Read<Prefix> = (value, at) => {
  const prefix = anySubnet(value, at);
  if (prefix === undefined) return undefined;
  if (prefix.length < 8) return refuse(value, at, "is too large for pods; the length must be 8 at least");
  const problem = unusual(prefix.address);
  return problem === undefined ? prefix : refuse(value, at, problem);
};

/** The reason why an address is none of a node or pod; undefined without one (RFC 6890, RFC 4291). */
function unusual(address: Address): string | undefined {
  const { family, value } = address;
  if (isLoopbackAddress(address)) return "is of the loopback";
  if (family === 4 ? value >> 24n === 0n : value >> 120n === 0n)
    return `${formatAddress(address)} is no address of a machine`;
  if (family === 4 ? value >> 28n >= 14n : value >> 120n === 0xffn) return "is of a group, not of a machine";
  if (isLinkLocal(address) || (family === 4 && value >> 16n === 0xa9fen)) return "is of one link alone";
  return undefined;
}

/** A MAC that an interface can have, in lower case with colons. */
export const mac: Read<string> = (value, at) => {
  if (typeof value !== "string" || !value.includes(":"))
    return refuse(value, at, "must be a MAC address, as in 0e:37:9d:c3:a8:9e");
  const problem = macProblem(value);
  return problem === undefined ? value.toLowerCase() : refuse(value, at, problem);
};
