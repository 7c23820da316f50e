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

/** The blanks between two columns. */
const GAP = 2;

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
  const texts = rows.map((row) => row.map(textOf));
  const { places, widths } = placesIn(columns, texts, terminal.columns);
  const titles = columns.map(({ title }): Cell => ({ text: title, style: "faint" }));
  let table = "";
  for (const [at, row] of [titles, ...rows].entries()) {
    // Blanks are written before the next text, so none stand at the end of a line.
    let [line, blanks] = ["", 0];
    for (const place of places) {
      const width = widths[place] ?? 0;
      const text = cut((at === 0 ? columns[place]?.title : texts[at - 1]?.[place]) ?? "", width);
      const rest = width - text.length;
      const isRight = columns[place]?.isRight === true;
      if (text !== "") {
        const style = styleOf(row[place]);
        line += " ".repeat(blanks + (isRight ? rest : 0)) + (style ? styled(text, style, terminal) : text);
        blanks = isRight ? GAP : rest + GAP;
      } else blanks += width + GAP;
    }
    table += `${line}\n`;
  }
  return table;
}

/** The columns that are shown, by their places among all, and the widths of all. */
function placesIn(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  limit: number,
): { places: number[]; widths: number[] } {
  const widths = columns.map(({ title }) => title.length);
  for (const row of rows)
    for (let at = 0; at < row.length; at++) widths[at] = Math.max(widths[at] ?? 0, (row[at] ?? "").length);
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
  return widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1));
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

function textOf(cell: Cell): string {
  return shown(typeof cell === "object" ? cell.text : cell);
}

function styleOf(cell: Cell | undefined): Style | undefined {
  return typeof cell === "object" ? cell.style : undefined;
}
