// Tables of Pontoon as data, without their elements: from one description come the messages that make a table
// and its text (text.ts). A whole table is told from a damaged one by the number of rules in its chains.
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { countRules, type RuleCounts } from "./answer.ts";
import type { Rule } from "./expression.ts";
import { chainMessage, type Hook, rulesMessages, type Table, tableMessage } from "./message.ts";
import { type MapLayout, mapMessage, type SetLayout, setMessage } from "./set-message.ts";

/** The chains of a table itself, with the number of rules of each when the table is whole. */
export type TableRules = readonly (readonly [chain: string, count: number])[];

/** A chain of a table. With `hook` packets come to it by themselves, else by rules and elements. */
export interface ChainLayout {
  name: string;
  hook?: Hook;
  rules: readonly Rule[];
}

/** The things of a table in the order in which nft lists them. They are made when they are asked for. */
export interface TableThings {
  table: Table;
  sets?: () => readonly SetLayout[];
  maps?: () => readonly MapLayout[];
  /** The table's own chains, without those that attachments share. */
  chains(): readonly ChainLayout[];
}

/** A table of the node: its things, the messages that make them, and the number of rules of a whole table. */
export interface TableLayout extends TableThings {
  rules: TableRules;
  /**
   * The rules of earlier releases. CHECK accepts a table of one of these, so an upgrade makes no pod fail its
   * CHECK; the next ADD that needs the table gives it the newest rules.
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

/** The layout of a table with these things and these numbers of rules. */
export function tableLayout(things: TableThings & Pick<TableLayout, "rules" | "earlier">): TableLayout {
  const { table, sets, maps, chains } = things;
  return {
    ...things,
    tableMessages: () => [
      tableMessage(table),
      ...(sets?.() ?? []).map((set, at) => setMessage(table, set, at + 1)),
      ...(maps?.() ?? []).map((map, at) => mapMessage(table, map, at + 1)),
      ...chains().map(({ name, hook }) => chainMessage(table, name, hook)),
    ],
    ruleMessages: () => chains().flatMap(({ name, rules }) => rulesMessages(table, name, rules)),
  };
}

/** A chain that several attachments need. Its name tells its rules, so a whole chain never changes. */
export interface SharedChain {
  table: Table;
  name: string;
  /** The number of rules when the chain is whole. */
  rules: number;
  /** The chain with its rules. */
  layout(): ChainLayout;
  /** Messages that make the chain whole, whatever of it exists already. Only under the node's lock. */
  messages(): Message[];
}

/** The shared chain of that name in the table. `rules` makes its rules, `count` of them. */
export function sharedChain(
  table: Table,
  { name, count, rules }: { name: string; count: number; rules: () => readonly Rule[] },
): SharedChain {
  return {
    table,
    name,
    rules: count,
    layout: () => ({ name, rules: rules() }),
    messages: () => [chainMessage(table, name), ...rulesMessages(table, name, rules())],
  };
}

/** The judgement of a table: {@link isWholeIn} for an ADD or a restore, {@link isKnownIn} for CHECK. */
type Judge = (counts: RuleCounts, layout: TableLayout) => boolean;

/** A test of a table in the kernel: {@link isTableWhole} for an ADD or a restore, isTableAsMade for CHECK. */
export type TableTest = (socket: NetlinkSocket, layout: TableLayout) => boolean;

/** False when the table is missing, was emptied, or has a rule too many. Throws SystemError. */
export function isTableWhole(socket: NetlinkSocket, layout: TableLayout): boolean {
  return isWholeIn(countRules(socket, layout.table), layout);
}

/** True when these counts are those of a whole table of this release. */
export function isWholeIn(counts: RuleCounts, { rules }: TableLayout): boolean {
  for (const [chain, count] of rules) if (counts.get(chain) !== count) return false;
  return true;
}

/** True when these counts are those of a whole table of this release or of an earlier one. */
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
 * The parts of a table with these rules that are not whole: the word `table` for the table itself, which
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

/** The number of rules in a whole table, without those of chains that attachments share. */
export function ruleCountOf({ rules }: TableLayout): number {
  let sum = 0;
  for (const [, count] of rules) sum += count;
  return sum;
}
