// Host ports as map elements, and back to ports and addresses.
import { addressBytes, addressFromBytes, type Family } from "../ip/address.ts";
import { be16At } from "../sys/bytes.ts";
import type { Element } from "./element.ts";
import { isInterval, type PortClaim, type PortMapping } from "./port-mapping.ts";

const REGISTER = 4;

const WHERE = "where-";

/** The map of conditions beside a map that leads to pods. A key that stands in both has conditions. */
export function conditionMap(set: string): string {
  return WHERE + set;
}

/** The map that leads to pods: `set` itself, or the map that `set` holds the conditions of. */
export function valueMap(set: string): string {
  return set.startsWith(WHERE) ? set.slice(WHERE.length) : set;
}

/** The elements of a mapping without their comments: one, or one for each port where the numbers change. */
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
 * The maps in which an element for a port of the mapping may stand without the kernel refusing the mapping's
 * own. With `hasConditions` the maps of conditions are among them, where a dead attachment may have left
 * some.
 */
export function unseenMaps(mapping: PortMapping, hasConditions: boolean): string[] {
  const { family, hostAddress } = mapping;
  const [any, one, range] = [`any${family}`, `one${family}`, `range${family}`] as const;
  // The kernel does not refuse an interval that lies inside of another one.
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
 * The key of a port in a map. In a map of intervals the key finds the element whose interval the port is in.
 * Where the map is keyed by address the mapping has to have one.
 */
export function portKey(set: string, { protocol, hostAddress }: PortClaim, port: number): Uint8Array {
  return keyOf(
    isOfAllAddresses(set) || hostAddress === undefined ? undefined : addressBytes(hostAddress),
    protocol,
    port,
  );
}

/** A test for elements of this map: true when protocol and ports are among those of the mappings. */
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

/** The ports that an element stands for; undefined for an element that is no host port. */
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

/** The mapping that an element is, or is a part of; undefined for an element that is no host port. */
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
