// The MAC of a node's tunnel device.
import { type Address, formatAddress } from "../ip/address.ts";
import { sha256 } from "../sys/hash.ts";

/**
 * The MAC of the tunnel device of the node with this address, locally administered: 0e:58 and four bytes that
 * follow from the address. So it is the same after a reboot, and other nodes may know it for good.
 */
export function tunnelMac(local: Address): string {
  const digits = sha256(`pontoon tunnel ${formatAddress(local)}`).slice(0, 8);
  return ["0e", "58", ...(digits.match(/../g) ?? [])].join(":");
}
