// The tables of iptables that the host may have, in all variants.
import type { Family } from "../ip/address.ts";
import { legacyTable } from "../iptables/legacy-table.ts";
import { nftablesTable } from "../iptables/nftables-table.ts";
import type { IptablesTable, TablePlace } from "../iptables/table.ts";
import { ifThereIsNftables } from "../nft/answer.ts";
import type { Node } from "./node.ts";

/**
 * The tables of these families in both variants; tables of the legacy variant only where this host has them.
 */
export function* iptablesTables(
  node: Node,
  place: TablePlace,
  families: readonly Family[] = [4, 6],
): Generator<IptablesTable> {
  const socket = ifThereIsNftables(
    () => node.rules,
    (rules) => rules,
  );
  if (socket !== undefined) for (const family of families) yield nftablesTable(socket, family, place);
  // Legacy tables come last: a caller that finds its chain in another table does not even look for them.
  for (const family of families) {
    const table = legacyTable(family, place);
    if (table !== undefined) yield table;
  }
}
