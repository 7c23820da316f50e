// A device of the node as a record has it, and back. Fields that are false, empty or undefined are left out.
import { byteLength } from "../cni/name.ts";
import { type Address, formatAddress, parseAddress } from "../ip/address.ts";
import type { GivenAddress } from "../ip/given-address.ts";
import { formatPrefix, parsePrefix } from "../ip/prefix.ts";
import { type FormerDevice, isDeviceName } from "./device.ts";
import { Damaged, type Fields, isCount, isFields, isOptionalText, listOf, readFlag } from "./field.ts";

/** The device as a plain object for JSON. */
export function formatFormerDevice({ addresses, ...device }: FormerDevice): object {
  return {
    ...device,
    up: device.up || undefined,
    promiscuous: device.promiscuous || undefined,
    allMulticast: device.allMulticast || undefined,
    alias: device.alias || undefined,
    addresses: addresses.map(formatGiven),
  };
}

function formatGiven({ prefix, peer, broadcast, ...address }: GivenAddress): object {
  return {
    address: formatPrefix(prefix),
    peer: peer && formatAddress(peer),
    broadcast: broadcast && formatAddress(broadcast),
    ...address,
  };
}

/** The device that a record has. Throws Damaged for anything else. */
export function readFormerDevice(value: unknown): FormerDevice {
  if (!isFields(value)) throw new Damaged();
  const { name, mac, mtu, txQueueLength, group, alias, permanentMac, busPath } = value;
  if (typeof name !== "string" || typeof mac !== "string" || !isDeviceName(name)) throw new Damaged();
  if (![alias, permanentMac, busPath].every(isOptionalText)) throw new Damaged();
  if (!isCount(mtu) || !isCount(txQueueLength)) throw new Damaged();
  if (group !== undefined && !isCount(group)) throw new Damaged();
  return {
    name,
    mac,
    mtu,
    up: readFlag(value["up"]),
    promiscuous: readFlag(value["promiscuous"]),
    allMulticast: readFlag(value["allMulticast"]),
    txQueueLength,
    alias: textOf(alias) ?? "",
    addresses: listOf(value["addresses"], readGiven),
    permanentMac: textOf(permanentMac),
    busPath: textOf(busPath),
    ...(value["arp"] === undefined ? {} : { arp: readFlag(value["arp"]) }),
    ...(value["multicast"] === undefined ? {} : { multicast: readFlag(value["multicast"]) }),
    ...(group === undefined ? {} : { group }),
    ...(value["altNames"] === undefined ? {} : { altNames: listOf(value["altNames"], readAltName) }),
  };
}

/** The most bytes of an alternative name (ALTIFNAMSIZ in linux/if.h, without its final zero). */
const ALT_NAME_BYTES = 127;

function readAltName(value: unknown): string {
  const isName = typeof value === "string" && value !== "" && !value.includes("\0");
  if (!isName || byteLength(value) > ALT_NAME_BYTES) throw new Damaged();
  return value;
}

function readGiven(value: unknown): GivenAddress {
  if (!isFields(value)) throw new Damaged();
  const { address, scope, flags, label, metric } = value;
  const prefix = typeof address === "string" ? parsePrefix(address) : undefined;
  if (prefix === undefined || !isCount(scope) || !isCount(flags) || !isOptionalText(label))
    throw new Damaged();
  if (metric !== undefined && !isCount(metric)) throw new Damaged();
  const [peer, broadcast] = [readAddress(value, "peer"), readAddress(value, "broadcast")];
  return { prefix, peer, broadcast, scope, label: textOf(label), flags, metric };
}

function readAddress(fields: Fields, name: string): Address | undefined {
  const text = fields[name];
  if (text === undefined) return undefined;
  const address = typeof text === "string" ? parseAddress(text) : undefined;
  if (address === undefined) throw new Damaged();
  return address;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
