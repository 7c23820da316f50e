// The order of the rows of `pontoon ls`, and the line that sums them up.
import { parseAddress } from "../../ip/address.ts";
import type { Row, RowState } from "./row.ts";

/** The keys of `--sort`. */
export const SORT_KEYS = ["age", "address", "traffic"] as const;

export type SortKey = (typeof SORT_KEYS)[number];

/** The value of a row by which it is sorted, the smallest first; undefined: it comes last. */
const VALUES: { readonly [Key in SortKey]: (row: Row) => bigint | undefined } = {
  age: ({ since }) => (since === undefined ? undefined : -BigInt(Math.round(since))),
  address: ({ addresses }) => addressValue(addresses[0]?.replace(/\/\d+$/, "") ?? ""),
  traffic: ({ received, sent }) =>
    received === undefined && sent === undefined
      ? undefined
      : -BigInt(Math.round((received ?? 0) + (sent ?? 0))),
};

/** IPv4 before IPv6, each by its number. */
function addressValue(text: string): bigint | undefined {
  const address = parseAddress(text);
  return address && (address.family === 4 ? address.value : (1n << 128n) | address.value);
}

/**
 * The rows by the key: the youngest, the smallest address, the most bytes in and out first. Rows without it
 * come last; equal ones keep their order.
 */
export function sortRows(rows: readonly Row[], key: SortKey | undefined): Row[] {
  if (key === undefined) return [...rows];
  const valueOf = VALUES[key];
  return rows
    .map((row) => ({ row, value: valueOf(row) }))
    .sort((a, b) => compare(a.value, b.value))
    .map(({ row }) => row);
}

function compare(a: bigint | undefined, b: bigint | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a < b ? -1 : Number(a > b);
}

/** The states in a summary, with their words. */
const COUNTED: readonly (readonly [state: RowState, words: string])[] = [
  ["drift", "with drift"],
  ["dead", "dead"],
  ["starting", "starting"],
  ["stray", "stray"],
  ["foreign", "foreign"],
];

/** `3 attachments, 1 with drift, 2 foreign`: what others made is counted apart. */
export function summaryOf(rows: readonly Row[]): string {
  const own = rows.filter(({ state }) => state !== "foreign" && state !== "stray").length;
  const counts = COUNTED.map(
    ([state, words]) => [rows.filter((row) => row.state === state).length, words] as const,
  );
  const others = counts.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
  return [`${own} attachment${own === 1 ? "" : "s"}`, ...others].join(", ");
}
