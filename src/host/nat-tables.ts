// Every table nat of iptables that there may be on the host.
import type { Family } from "../ip/address.ts";
import { legacyNatTable } from "../iptables/legacy-nat-table.ts";
import type { NatTable } from "../iptables/nat-table.ts";
import { nftablesNatTable } from "../iptables/nftables-nat-table.ts";
import { lacksNftables } from "../nft/answer.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import type { Machine } from "./machine.ts";

/** The tables of both families and both variants; those of the legacy variant only where this host has them. */
export function* natTables(machine: Machine, families: readonly Family[] = [4, 6]): Generator<NatTable> {
  const socket = openRules(machine);
  if (socket !== undefined) for (const family of families) yield nftablesNatTable(socket, family);
  // Whoever finds what he wants in the others does not even look for these.
  for (const family of families) {
    const table = legacyNatTable(family);
    if (table !== undefined) yield table;
  }
}

/** Undefined on a kernel without nfnetlink. */
function openRules(machine: Machine): NetlinkSocket | undefined {
  try {
    return machine.rules;
  } catch (error) {
    if (lacksNftables(error)) return undefined;
    throw error;
  }
}
