// The pod's MAC, and whether somebody may know one of its addresses by another one (docs/decisions/0012-mac-of-an-address.md).
import { addressBytes } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { AddInput, PodAddress } from "./add.ts";

/** 0a:58 and the first IPv4 address: whoever gets the address next has the MAC that its neighbours know. Undefined without one. */
export function macOfAddresses(addresses: readonly PodAddress[]): string | undefined {
  for (const { address } of addresses) if (address.address.family === 4) return macOf(address);
  return undefined;
}

/** Every IPv4 address of the pod stands in its MAC. False without any address: nobody knows then which the pod takes. */
function macFollows({ mac, addresses }: Pick<AddInput, "mac" | "addresses">): boolean {
  for (const { address } of addresses) if (address.address.family === 4 && macOf(address) !== mac) return false;
  return addresses.length > 0;
}

/** What {@link macFollows} says has been true of every pod of the bridge, and nobody else may have given one an address of this network. */
export function macsFollow(input: AddInput): boolean {
  if (!macFollows(input) || input.bridge.found?.macsFollow === false) return false;
  // On a bridge that is made only now nobody knows anybody.
  if (input.bridge.found === undefined) return true;
  for (const { address, givenByOthers } of input.addresses) if (address.address.family === 4 && givenByOthers === true) return false;
  return true;
}

/** Neighbours may know an address of the pod by another MAC, or a switch beyond the bridge may look for it behind another port. */
export function needsAnnouncement(input: AddInput): boolean {
  for (const { address } of input.addresses) if (address.address.family === 6) return true;
  return input.addresses.length > 0 && !(input.netconf.isGateway && macsFollow(input));
}

function macOf({ address }: Prefix): string {
  const bytes = addressBytes(address);
  let mac = "0a:58";
  for (let at = 0; at < bytes.length; at++) mac += `:${(bytes[at] ?? 0).toString(16).padStart(2, "0")}`;
  return mac;
}
