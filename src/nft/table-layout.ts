// Tables of ours as data, before any element is in them. A whole table is told from a damaged one by the
// number of rules in its chains.
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { countRules, type RuleCounts } from "./answer.ts";
import type { Table } from "./message.ts";

/** The chains of a table itself, and how many rules each has when the table is whole. */
export type TableRules = readonly (readonly [chain: string, count: number])[];

/** A table of the node: what makes it, and how many rules it has when it is whole. */
export interface TableLayout {
  table: Table;
  rules: TableRules;
  /**
   * The rules of releases before. CHECK accepts a table that one of them made, so an upgrade makes no pod
   * fail its CHECK; the next ADD that needs the table makes the newest of it.
   */
  earlier?: readonly TableRules[];
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

/** How a table is judged: {@link isWholeIn} by those who make it, {@link isKnownIn} by CHECK. */
export type Judge = (counts: RuleCounts, layout: TableLayout) => boolean;

/** False when the table is missing, was emptied, or has a rule too many. Throws SystemError. */
export function isTableWhole(socket: NetlinkSocket, layout: TableLayout, judge: Judge = isWholeIn): boolean {
  return judge(countRules(socket, layout.table), layout);
}

/** True when a table with these rules is whole, as this release makes it. */
export function isWholeIn(counts: RuleCounts, { rules }: TableLayout): boolean {
  for (const [chain, count] of rules) if (counts.get(chain) !== count) return false;
  return true;
}

/** True when a table with these rules is whole, as this release or one before makes it. */
export function isKnownIn(counts: RuleCounts, layout: TableLayout): boolean {
  const { earlier = [] } = layout;
  return isWholeIn(counts, layout) || earlier.some((rules) => isWholeIn(counts, { ...layout, rules }));
}

/** What an attachment needs of a table. */
export interface TableParts {
  layout: TableLayout;
  chains: readonly SharedChain[];
}

/**
 * The parts that are not whole in a table with these rules: the word `table` for the table itself, which
 * comes first, and names of `chains`.
 */
export function missingIn(
  counts: RuleCounts,
  { layout, chains }: TableParts,
  judge: Judge = isWholeIn,
): string[] {
  const missing = judge(counts, layout) ? [] : ["table"];
  for (const { name, rules } of chains) if (counts.get(name) !== rules) missing.push(name);
  return missing;
}

/** How many rules a whole table has, without those of chains that attachments share. */
export function ruleCountOf({ rules }: TableLayout): number {
  let sum = 0;
  for (const [, count] of rules) sum += count;
  return sum;
}
