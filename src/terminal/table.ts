// Rows in columns, as wide as they have to be and no wider than the terminal.
import { cut, type Style, shown, styled, type Terminal } from "./terminal.ts";

/** A column of a table. */
export interface Column {
  title: string;
  /** Numbers stand at the right. */
  isRight?: boolean;
  /** Where the terminal is too narrow, texts of this column are cut, down to this many columns. */
  least?: number;
  /** Where cutting does not suffice the column is left out; the one with the largest number goes first. */
  dispensable?: number;
}

/** A cell: a text, alone or in a style. Others may have written it: the table shows it by {@link shown}. */
export type Cell = string | { text: string; style: Style };

const GAP = "  ";

/**
 * The table as whole lines: titles in faint letters, then a line for each row; none has blanks at its end. A
 * cell that a row lacks is empty. Texts are cut only where the terminal is too narrow for all of them, in the
 * widest column that may be cut first.
 */
export function tableOf(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  terminal: Terminal,
): string {
  const { places, widths } = placesIn(columns, rows, terminal.columns);
  const lineOf = (row: readonly Cell[]): string => {
    const cells = places.map((at) => {
      const width = widths[at] ?? 0;
      const isRight = columns[at]?.isRight === true;
      const text = cut(textOf(row[at]), width);
      return { text, blanks: " ".repeat(width - text.length), isRight, style: styleOf(row[at]) };
    });
    while (cells.length > 0 && cells.at(-1)?.text === "") cells.pop();
    return cells
      .map(({ text, blanks, isRight, style }, at) => {
        const words = style === undefined ? text : styled(text, style, terminal);
        if (isRight) return blanks + words;
        return at === cells.length - 1 ? words : words + blanks;
      })
      .join(GAP);
  };
  const titles = columns.map(({ title }): Cell => ({ text: title, style: "faint" }));
  return [titles, ...rows].map((row) => `${lineOf(row)}\n`).join("");
}

/** The columns that are shown, by their places among all, and the widths of all. */
function placesIn(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  limit: number,
): { places: number[]; widths: number[] } {
  const widths = columns.map(({ title }) => title.length);
  for (const row of rows)
    for (let at = 0; at < widths.length; at++) widths[at] = Math.max(widths[at] ?? 0, textOf(row[at]).length);
  const places = columns.map((_, at) => at);
  const leastOf = (at: number): number => {
    const { least, title = "" } = columns[at] ?? {};
    return Math.min(
      widths[at] ?? 0,
      least === undefined ? Number.POSITIVE_INFINITY : Math.max(least, title.length),
    );
  };
  const rank = (at: number): number => columns[at]?.dispensable ?? 0;
  while (sumOf(places.map(leastOf)) > limit) {
    const first = places.reduce((a, b) => (rank(b) > rank(a) ? b : a), places[0] ?? 0);
    if (rank(first) === 0) break;
    places.splice(places.indexOf(first), 1);
  }
  narrow(places, { columns, widths }, limit);
  return { places, widths };
}

/** The width of a line with columns of these widths. */
function sumOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
}

/** Narrows the widest column that may be cut, until the line fits or none may be cut further. */
function narrow(
  places: readonly number[],
  { columns, widths }: { columns: readonly Column[]; widths: number[] },
  limit: number,
): void {
  for (let over = sumOf(places.map((at) => widths[at] ?? 0)) - limit; over > 0; over--) {
    let widest: number | undefined;
    for (const at of places) {
      const { least, title = "" } = columns[at] ?? {};
      if (least === undefined || (widths[at] ?? 0) <= Math.max(least, title.length)) continue;
      if (widest === undefined || (widths[at] ?? 0) > (widths[widest] ?? 0)) widest = at;
    }
    if (widest === undefined) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

function textOf(cell: Cell | undefined): string {
  return shown(typeof cell === "object" ? cell.text : (cell ?? ""));
}

function styleOf(cell: Cell | undefined): Style | undefined {
  return typeof cell === "object" ? cell.style : undefined;
}
