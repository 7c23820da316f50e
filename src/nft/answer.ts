// Answers of nftables: the number of rules in chains, and whether nftables is there at all.
import { type Attributes, listAttributes, readAttributes } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { isErrno } from "../sys/errno.ts";
import {
  GENERIC_HEADER,
  getChainMessage,
  getGenerationMessage,
  listRulesMessage,
  type Table,
} from "./message.ts";

/** The number of missing rules and elements of some attachments. */
export interface LostRules {
  /** Rules of the table itself, which all networks share. */
  shared: number;
  /**
   * Rules and elements of each attachment, by its digest. Rules that several attachments share count for the
   * first of them.
   */
  byOwner: Map<string, number>;
}

/** True when something is missing. */
export function isAnyLost({ shared, byOwner }: LostRules): boolean {
  return shared > 0 || [...byOwner.values()].some((count) => count > 0);
}

/**
 * Gives the result of `action`, or undefined on a kernel without nftables, which never had rules of Pontoon.
 * Throws the errors of `open` and `action`, also the refusals of an nftables that is there.
 */
export function ifThereIsNftables<T>(
  open: () => NetlinkSocket,
  action: (socket: NetlinkSocket) => T,
): T | undefined {
  let socket: NetlinkSocket | undefined;
  try {
    socket = open();
    return action(socket);
  } catch (error) {
    if (soundsLikeNoNftables(error) && (socket === undefined || !isNftables(socket))) return undefined;
    throw error;
  }
}

/**
 * True for an error that a kernel without nftables gives: it has no nfnetlink (EPROTONOSUPPORT), or nothing
 * in nfnetlink takes these messages (nfnetlink_rcv_msg: EINVAL, nfnetlink_rcv_batch: EOPNOTSUPP). nftables
 * itself gives EINVAL and EOPNOTSUPP as well, so this is good for a hint alone.
 */
export function soundsLikeNoNftables(error: unknown): boolean {
  return isErrno(error, "EPROTONOSUPPORT", "EOPNOTSUPP", "EINVAL");
}

/** True when nftables is there: it answers with its generation, even if it refuses other requests. */
function isNftables(socket: NetlinkSocket): boolean {
  try {
    socket.execute([getGenerationMessage()]);
    return true;
  } catch (error) {
    if (soundsLikeNoNftables(error)) return false;
    throw error;
  }
}

/**
 * The number of uses that the kernel counts for a chain: its own rules, and the elements that lead to it.
 * Undefined when there is no such chain. Throws SystemError.
 */
export function countChainUses(socket: NetlinkSocket, table: Table, chain: string): number | undefined {
  const [outcome] = socket.transact([getChainMessage(table, chain)]);
  if (outcome?.error !== undefined && !isErrno(outcome.error, "ENOENT")) throw outcome.error;
  const reply = outcome?.replies[0];
  return reply === undefined
    ? undefined
    : readAttributes(reply.payload, GENERIC_HEADER).be32(nft.NFTA_CHAIN_USE);
}

/** The number of rules in each chain of a table; a chain without rules is left out. */
export type RuleCounts = ReadonlyMap<string, number>;

/** Counts the rules of a table; a missing table has none. Throws SystemError. */
export function countRules(socket: NetlinkSocket, table: Table): Map<string, number> {
  const counts = new Map<string, number>();
  for (const reply of socket.dump(listRulesMessage(table))) {
    const chain = readAttributes(reply.payload, GENERIC_HEADER).string(nft.NFTA_RULE_CHAIN) ?? "";
    counts.set(chain, (counts.get(chain) ?? 0) + 1);
  }
  return counts;
}

/** The expressions of a rule: the name of each, and its own attributes if it has any. */
export function listExpressions(
  rule: Attributes,
): { name: string | undefined; data: Attributes | undefined }[] {
  return listAttributes(rule.bytes(nft.NFTA_RULE_EXPRESSIONS) ?? new Uint8Array()).map(([, bytes]) => {
    const expression = readAttributes(bytes);
    return { name: expression.string(nft.NFTA_EXPR_NAME), data: expression.nest(nft.NFTA_EXPR_DATA) };
  });
}
