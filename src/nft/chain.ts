// Chains that nothing leads to any more.
import type { NetlinkSocket } from "../netlink/socket.ts";
import { isErrno } from "../sys/errno.ts";
import { countChainUses } from "./answer.ts";
import { deleteChainMessage, firstRefusal, type Table } from "./message.ts";

/**
 * Deletes those of the chains that nothing leads to; `rules` says how many rules each chain of the table
 * holds. A chain that is still in use is not even tried: the kernel would refuse (EBUSY) and then wait 7 to
 * 15 ms until the refused batch is cleaned up. Throws SystemError.
 */
export function deleteUnusedChains(
  socket: NetlinkSocket,
  table: Table,
  chains: Iterable<string>,
  rules: ReadonlyMap<string, number>,
): void {
  for (const chain of chains) {
    const uses = countChainUses(socket, table, chain);
    if (uses === undefined || uses > (rules.get(chain) ?? 0)) continue;
    const error = firstRefusal(socket, [deleteChainMessage(table, chain)]);
    // EBUSY: an ADD put an element in just now. ENOENT: there is no such chain, or somebody else was faster.
    if (error !== undefined && !isErrno(error, "ENOENT", "EBUSY")) throw error;
  }
}
