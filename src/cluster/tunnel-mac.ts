// The MAC of a node's tunnel device.
import { type Address, formatAddress } from "../ip/address.ts";
import { sha256 } from "../sys/hash.ts";

/**
 * The MAC of the tunnel device of the node with this address, locally administered: 0e and the first five
 * bytes of SHA-256 over `pontoon tunnel ADDRESS`. Nodes of different releases know each other by it, so it
 * stays as it is (docs/node.md). Of 10,000 nodes two have one MAC in 1 of 20,000 clusters.
 */
export function tunnelMac(local: Address): string {
  const digits = sha256(`pontoon tunnel ${formatAddress(local)}`).slice(0, 10);
  return ["0e", ...(digits.match(/../g) ?? [])].join(":");
}
