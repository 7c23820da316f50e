// What nftables answers: which chains hold how many rules, and that it is not there at all.
import { readAttributes } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { isErrno } from "../sys/errno.ts";
import { GENERIC_HEADER, getChainMessage, listRulesMessage, type Table } from "./message.ts";

/** How many rules and elements of a number of attachments are not there. */
export interface LostRules {
  /** Those of the table itself, which all networks share. */
  shared: number;
  /** Those of an attachment, by its digest. What a network shares counts as its first attachment's. */
  byOwner: Map<string, number>;
}

/** True for what a kernel without nftables says: nfnetlink is missing, or knows nobody for these messages (nfnetlink_rcv_msg: EINVAL). */
export function lacksNftables(error: unknown): boolean {
  return isErrno(error, "EPROTONOSUPPORT", "EOPNOTSUPP", "EINVAL");
}

/** How many things the kernel counts for a chain: its own rules, and the elements that lead to it. Undefined when there is no such chain. Throws SystemError. */
export function countChainUses(socket: NetlinkSocket, table: Table, chain: string): number | undefined {
  const [outcome] = socket.transact([getChainMessage(table, chain)]);
  if (outcome?.error !== undefined && !isErrno(outcome.error, "ENOENT")) throw outcome.error;
  const reply = outcome?.replies[0];
  return reply === undefined ? undefined : readAttributes(reply.payload, GENERIC_HEADER).be32(nft.NFTA_CHAIN_USE);
}

/** How many rules each chain of a table holds; chains without rules are not named. Throws SystemError. */
export function countRules(socket: NetlinkSocket, table: Table): Map<string, number> {
  const counts = new Map<string, number>();
  for (const reply of socket.dump(listRulesMessage(table))) {
    const chain = readAttributes(reply.payload, GENERIC_HEADER).string(nft.NFTA_RULE_CHAIN) ?? "";
    counts.set(chain, (counts.get(chain) ?? 0) + 1);
  }
  return counts;
}
