// The MAC of a node's tunnel device, as the executable makes it: by Node's own hash.
import { createHash } from "node:crypto";

/** The MAC of the tunnel device of the node with this address (docs/node.md has the rule). */
export function tunnelMac(address: string): string {
  const digits = createHash("sha256").update(`pontoon tunnel ${address}`).digest("hex").slice(0, 10);
  return ["0e", ...(digits.match(/../g) ?? [])].join(":");
}
