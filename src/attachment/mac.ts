// The MACs of an attachment, and whether a neighbour may know an address of the pod by another MAC
// (docs/decisions/0012-mac-of-an-address.md).
import type { Netconf } from "../cni/config.ts";
import { type Address, addressBytes, sameAddress } from "../ip/address.ts";
import { type Prefix, prefixContains } from "../ip/prefix.ts";
import { randomBytes } from "../sys/random.ts";
import type { Attachment, PodAddress } from "./attachment.ts";

/**
 * The prefix of a MAC that follows an address: locally administered, and long used by CNI plugins for this.
 */
const FOLLOWING = "0a:58:";

/**
 * The MAC that follows the pod's first IPv4 address: 0a:58 and its four bytes. The next pod with that address
 * has the MAC that neighbours already know. Undefined without an IPv4 address.
 */
export function macOfAddresses(addresses: readonly PodAddress[]): string | undefined {
  for (const { address } of addresses) if (address.address.family === 4) return macOf(address);
  return undefined;
}

/**
 * True when every IPv4 address of a pod stands in its MAC. False without any address: the pod may take one
 * that Pontoon does not know.
 */
export function macFollows(mac: string, addresses: readonly PodAddress[]): boolean {
  for (const { address } of addresses)
    if (address.address.family === 4 && macOf(address) !== mac) return false;
  return addresses.length > 0;
}

/**
 * True when every pod of the bridge, this pod included, has had the MAC that follows its IPv4 addresses. That
 * holds if this pod's MAC follows its addresses, the bridge is new (`before` is undefined) or is marked so,
 * and no other program may have given a pod of an existing bridge an address of this network
 * (`givenByOthers`).
 */
export function macsKeepFollowing(
  { link, addresses }: Attachment,
  before: boolean | undefined,
  givenByOthers: boolean,
): boolean {
  if (!macFollows(link.pod.mac, addresses)) return false;
  return before === undefined || (before && !givenByOthers);
}

/**
 * The address by which another pod has this MAC: an address of the network that is not among the pod's own
 * addresses. Undefined for a MAC that follows no such address.
 */
export function ownerOfMac(
  mac: string,
  { ipam }: Netconf,
  addresses: readonly PodAddress[],
): Address | undefined {
  if (!mac.startsWith(FOLLOWING)) return undefined;
  const value = BigInt(`0x${mac.slice(FOLLOWING.length).replaceAll(":", "")}`);
  const address: Address = { family: 4, value };
  const isOurs = addresses.some((own) => sameAddress(own.address.address, address));
  const isInside = ipam?.rangeSets.flat().some(({ subnet }) => prefixContains(subnet, address)) === true;
  return isInside && !isOurs ? address : undefined;
}

const MAC_BYTES = 6;

/** New random unicast MACs with the "locally administered" bit (IEEE 802, clause 8.2). */
export function randomMacs(count: number): string[] {
  const bytes = randomBytes(MAC_BYTES * count);
  const macs: string[] = [];
  for (let at = 0; at < bytes.length; at += MAC_BYTES) {
    bytes[at] = ((bytes[at] ?? 0) & 0xfe) | 0x02;
    macs.push(textOfMac(bytes.subarray(at, at + MAC_BYTES)));
  }
  return macs;
}

/** A new random unicast MAC, see {@link randomMacs}. */
export function randomMac(): string {
  return randomMacs(1)[0] ?? "";
}

function macOf({ address }: Prefix): string {
  return `${FOLLOWING}${textOfMac(addressBytes(address))}`;
}

function textOfMac(bytes: Uint8Array): string {
  let mac = "";
  for (let at = 0; at < bytes.length; at++)
    mac += `${at === 0 ? "" : ":"}${(bytes[at] ?? 0).toString(16).padStart(2, "0")}`;
  return mac;
}
