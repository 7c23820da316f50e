// Rows in columns, as wide as they have to be and no wider than the terminal.
import { isPrintable } from "../sys/bytes.ts";
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

/** The blanks between two columns. */
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
  const measured = measure(columns, rows);
  const safe = measured.isPlain ? rows : rows.map((row) => row.map(shownCell));
  const widths = measured.isPlain ? measured.widths : measure(columns, safe).widths;
  const shapes = placesIn(columns, widths, terminal.columns).map(
    (place): Shape => ({ place, width: widths[place] ?? 0, isRight: columns[place]?.isRight === true }),
  );
  let table = lineOf(
    columns.map(({ title }): Cell => ({ text: title, style: "faint" })),
    shapes,
    terminal,
  );
  for (const row of safe) table += lineOf(row, shapes, terminal);
  return table;
}

/** The widths of all columns, and whether all texts may be shown as they are, as nearly always. */
function measure(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): { widths: number[]; isPlain: boolean } {
  const widths = columns.map(({ title }) => title.length);
  let isPlain = true;
  for (const row of rows) {
    let whole = "";
    for (let at = 0; at < row.length; at++) {
      const cell = row[at] ?? "";
      const text = typeof cell === "string" ? cell : cell.text;
      whole += text;
      if (text.length > (widths[at] ?? 0)) widths[at] = text.length;
    }
    isPlain &&= isPrintable(whole);
  }
  return { widths, isPlain };
}

function shownCell(cell: Cell): Cell {
  return typeof cell === "string" ? shown(cell) : { ...cell, text: shown(cell.text) };
}

/** A column that is shown: its place among all, and its width. */
interface Shape {
  place: number;
  width: number;
  isRight: boolean;
}

/** A line of the table. */
function lineOf(row: readonly Cell[], shapes: readonly Shape[], terminal: Terminal): string {
  let line = "";
  for (const { place, width, isRight } of shapes) {
    const cell = row[place] ?? "";
    if (typeof cell === "string") {
      const text = cell.length > width ? cut(cell, width) : cell;
      line += isRight ? text.padStart(width) : text.padEnd(width);
    } else {
      const text = cut(cell.text, width);
      const rest = " ".repeat(width - text.length);
      line += isRight ? rest + styled(text, cell.style, terminal) : styled(text, cell.style, terminal) + rest;
    }
    line += GAP;
  }
  return `${line.trimEnd()}\n`;
}

/** The places of the columns that are shown. Narrows `widths` where the terminal is too narrow for all. */
function placesIn(columns: readonly Column[], widths: number[], limit: number): number[] {
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
  return places;
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
