// Tables of ours as data, before any element is in them. A whole table is told from a damaged one by the
// number of rules in its chains.
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { countRules, type RuleCounts } from "./answer.ts";
import type { Table } from "./message.ts";

/** A table of the node: what makes it, and how many rules it has when it is whole. */
export interface TableLayout {
  table: Table;
  /** The chains of the table itself, and how many rules each has when the table is whole. */
  rules: readonly (readonly [chain: string, count: number])[];
  /**
   * Messages that make the table with its sets, maps and chains, still without rules, whatever of it exists
   * already. Only under the node's lock.
   */
  tableMessages(): Message[];
  /** Messages that give the chains their rules in place of any others. Only under the node's lock. */
  ruleMessages(): Message[];
}

/** A chain that several attachments need. Its name says what its rules are, so a whole one never changes. */
export interface SharedChain {
  name: string;
  /** How many rules it has when it is whole. */
  rules: number;
  /** Messages that make it whole, whatever of it exists already. Only under the node's lock. */
  messages(): Message[];
}

/** False when the table is missing, was emptied, or has a rule too many. Throws SystemError. */
export function isTableWhole(socket: NetlinkSocket, layout: TableLayout): boolean {
  return isWholeIn(countRules(socket, layout.table), layout);
}

/** True when a table with these rules is whole. */
export function isWholeIn(counts: RuleCounts, { rules }: TableLayout): boolean {
  for (const [chain, count] of rules) if (counts.get(chain) !== count) return false;
  return true;
}

/**
 * The parts that are not whole in a table with these rules: the word `table` for the table itself, which
 * comes first, and names of `chains`.
 */
export function missingIn(counts: RuleCounts, layout: TableLayout, chains: readonly SharedChain[]): string[] {
  const missing = isWholeIn(counts, layout) ? [] : ["table"];
  for (const { name, rules } of chains) if (counts.get(name) !== rules) missing.push(name);
  return missing;
}

/** How many rules a whole table has, without those of chains that attachments share. */
export function ruleCountOf({ rules }: TableLayout): number {
  let sum = 0;
  for (const [, count] of rules) sum += count;
  return sum;
}
