// Chains that nothing leads to any more.
import type { NetlinkSocket } from "../netlink/socket.ts";
import { isErrno } from "../sys/errno.ts";
import { countChainUses, type RuleCounts } from "./answer.ts";
import { firstRefusal } from "./batch.ts";
import { deleteChainMessage, type Table } from "./message.ts";

/** A table whose rules were counted. */
export interface CountedTable {
  table: Table;
  rules: RuleCounts;
}

/**
 * Deletes each of these chains that nothing leads to. A chain
 * that is still in use is not even tried: the kernel would refuse (EBUSY) and then wait 7 to 15 ms until the
 * refused batch is cleaned up. Throws SystemError.
 */
export function deleteUnusedChains(
  socket: NetlinkSocket,
  { table, rules }: CountedTable,
  chains: Iterable<string>,
): void {
  for (const chain of chains) {
    const uses = countChainUses(socket, table, chain);
    if (uses === undefined || uses > (rules.get(chain) ?? 0)) continue;
    const error = firstRefusal(socket, [deleteChainMessage(table, chain)]);
    // EBUSY: an ADD put in an element just now. ENOENT: another process deleted the chain just now.
    if (error !== undefined && !isErrno(error, "ENOENT", "EBUSY")) throw error;
  }
}
