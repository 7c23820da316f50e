// Host ports as map elements, and back: which ports of which addresses an element stands for.
import { addressBytes, addressFromBytes, type Family } from "../ip/address.ts";
import { be16At } from "../sys/bytes.ts";
import type { Element } from "./element.ts";
import { isInterval, type PortClaim, type PortMapping } from "./port-mapping.ts";

const REGISTER = 4;

const WHERE = "where-";

/** The map beside one of those that lead to pods: the keys that stand in both have conditions. */
export function conditionMap(set: string): string {
  return WHERE + set;
}

/** The map that leads to pods, of a map of conditions too. */
function valueMap(set: string): string {
  return set.startsWith(WHERE) ? set.slice(WHERE.length) : set;
}

/** The elements of a mapping, all but comment: one, unless several ports become other ones. */
export function mappingPlaces(mapping: PortMapping): Pick<Element, "set" | "key" | "lastKey" | "value">[] {
  const { family, protocol, hostAddress, first, last, containerPort, target } = mapping;
  if (isInterval(mapping)) {
    const lowest = addressBytes(hostAddress ?? { family, value: 0n });
    const highest = hostAddress === undefined ? new Uint8Array(lowest.length).fill(0xff) : lowest;
    return [
      {
        set: `range${family}`,
        key: keyOf(lowest, protocol, first),
        lastKey: keyOf(highest, protocol, last),
        value: addressBytes(target),
      },
    ];
  }
  const places = [];
  for (let port = first; port <= last; port++) {
    const value = joinedBytes(addressBytes(target), portBytes(containerPort + port - first));
    places.push({
      set: `${hostAddress === undefined ? "any" : "one"}${family}`,
      key: keyOf(hostAddress && addressBytes(hostAddress), protocol, port),
      value,
    });
  }
  return places;
}

/**
 * The maps in which an element for one of these ports may stand that the kernel does not see when the
 * mapping's own are added. Where there are conditions on the node, those of a dead attachment may be left for
 * any of them.
 */
export function unseenMaps(mapping: PortMapping, hasConditions: boolean): string[] {
  const { family, hostAddress } = mapping;
  const [any, one, range] = [`any${family}`, `one${family}`, `range${family}`] as const;
  // An interval that lies inside of another one is not seen either.
  const unseen = isInterval(mapping)
    ? [any, one, range]
    : hostAddress === undefined
      ? [one, range]
      : [any, range];
  return hasConditions ? [...unseen, ...[any, one, range].map(conditionMap)] : unseen;
}

/** True for a map that has one key for a port of all addresses. */
export function isOfAllAddresses(set: string): boolean {
  return valueMap(set).startsWith("any");
}

/**
 * The key of a port in one of the maps; in one of intervals it finds the element whose interval the port is
 * in. The map is one for all addresses, or the mapping has one.
 */
export function portKey(set: string, { protocol, hostAddress }: PortMapping, port: number): Uint8Array {
  return keyOf(
    isOfAllAddresses(set) || hostAddress === undefined ? undefined : addressBytes(hostAddress),
    protocol,
    port,
  );
}

/**
 * True for the keys of an element of this map that has the protocol and one of the ports of one of the
 * mappings.
 */
export function keyTest(
  set: string,
  mappings: PortMapping[],
): (bytes: Uint8Array, keyAt: number, lastKeyAt: number | undefined) => boolean {
  const at = isOfAllAddresses(set) ? 0 : set.endsWith("4") ? 4 : 16;
  return (bytes, keyAt, lastKeyAt) => {
    const protocol = bytes[keyAt + at];
    const lowest = be16At(bytes, keyAt + at + REGISTER);
    const highest = lastKeyAt === undefined ? lowest : be16At(bytes, lastKeyAt + at + REGISTER);
    for (const { protocol: own, first, last } of mappings)
      if (own === protocol && first <= highest && lowest <= last) return true;
    return false;
  };
}

/** What an element stands for; undefined for one that is no host port. */
export function claimOf({ set, key, lastKey }: Element): PortClaim | undefined {
  const kind = valueMap(set).slice(0, -1);
  const family: Family = set.endsWith("4") ? 4 : 6;
  const length = family === 4 ? 4 : 16;
  if (kind === "any" && key.length === 2 * REGISTER)
    return {
      family,
      protocol: key[0] ?? 0,
      hostAddress: undefined,
      first: be16At(key, REGISTER),
      last: be16At(key, REGISTER),
    };
  if ((kind !== "one" && kind !== "range") || key.length !== length + 2 * REGISTER) return undefined;
  const first = be16At(key, length + REGISTER);
  const hostAddress = addressFromBytes(key.subarray(0, length));
  const isOfAll = lastKey !== undefined && hostAddress.value === 0n;
  return {
    family,
    protocol: key[length] ?? 0,
    hostAddress: isOfAll ? undefined : hostAddress,
    first,
    last: lastKey === undefined ? first : be16At(lastKey, length + REGISTER),
  };
}

/** The mapping that an element is, or is one of; undefined for one that is no host port. */
export function mappingOf(element: Element): PortMapping | undefined {
  const claim = claimOf(element);
  const length = claim?.family === 4 ? 4 : 16;
  if (claim === undefined || element.value === undefined || element.value.length < length) return undefined;
  const target = addressFromBytes(element.value.subarray(0, length));
  return {
    ...claim,
    target,
    containerPort: element.value.length > length ? be16At(element.value, length) : claim.first,
  };
}

function keyOf(address: Uint8Array | undefined, protocol: number, port: number): Uint8Array {
  return joinedBytes(address ?? new Uint8Array(), Uint8Array.of(protocol, 0, 0, 0), portBytes(port));
}

/** A port in network order, filled up to a register. */
function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >>> 8, port, 0, 0);
}

function joinedBytes(...parts: Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
