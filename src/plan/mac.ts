// The pod's MAC, and whether somebody may know one of its addresses by another one
// (docs/decisions/0012-mac-of-an-address.md).
import type { Netconf } from "../cni/config.ts";
import { type Address, addressBytes, sameAddress } from "../ip/address.ts";
import { type Prefix, prefixContains } from "../ip/prefix.ts";
import type { AddInput, PodAddress } from "./add.ts";

/** Locally administered, and what CNI plugins have long had for it. */
const FOLLOWING = "0a:58:";

/**
 * 0a:58 and the first IPv4 address: whoever gets the address next has the MAC that its neighbours know.
 * Undefined without one.
 */
export function macOfAddresses(addresses: readonly PodAddress[]): string | undefined {
  for (const { address } of addresses) if (address.address.family === 4) return macOf(address);
  return undefined;
}

/**
 * Every IPv4 address of the pod stands in its MAC. False without any address: nobody knows then which the pod
 * takes.
 */
function macFollows({ mac, addresses }: Pick<AddInput, "mac" | "addresses">): boolean {
  for (const { address } of addresses)
    if (address.address.family === 4 && macOf(address) !== mac) return false;
  return addresses.length > 0;
}

/**
 * What {@link macFollows} says has been true of every pod of the bridge, and nobody else may have given one
 * an address of this network.
 */
export function macsFollow(input: AddInput): boolean {
  const { found } = input.bridge;
  if (!macFollows(input) || found?.macsFollow === false) return false;
  // On a bridge that is made only now nobody knows anybody.
  if (found === undefined) return true;
  for (const { givenByOthers } of input.addresses) if (givenByOthers === true) return false;
  return true;
}

/**
 * The address that another pod has this MAC by: one of the network, and none of this pod's. Undefined for a
 * MAC that follows none.
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

function macOf({ address }: Prefix): string {
  const bytes = addressBytes(address);
  let mac = FOLLOWING;
  for (let at = 0; at < bytes.length; at++)
    mac += `${at === 0 ? "" : ":"}${(bytes[at] ?? 0).toString(16).padStart(2, "0")}`;
  return mac;
}
