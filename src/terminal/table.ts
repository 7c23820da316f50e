// Rows in columns, as wide as they have to be and no wider than the terminal.
import { cut, type Style, styled, type Terminal } from "./terminal.ts";

/** A column of a table. */
export interface Column {
  title: string;
  /** Numbers stand at the right. */
  isRight?: boolean;
  /** Where the terminal is too narrow, texts of this column are cut, down to this many columns. */
  least?: number;
}

/** A cell: a text that may be shown ({@link shown}), alone or in a style. */
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
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...rows.map((row) => textOf(row[at]).length)),
  );
  narrow(widths, columns, terminal.columns);
  const lineOf = (row: readonly Cell[]): string => {
    const cells = columns.map(({ isRight = false }, at) => {
      const width = widths[at] ?? 0;
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

/** Takes columns from the widest that may be cut, until the line fits or none may be cut further. */
function narrow(widths: number[], columns: readonly Column[], limit: number): void {
  const total = (): number => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  for (let tooMany = total() - limit; tooMany > 0; tooMany--) {
    let widest: number | undefined;
    for (const [at, { least, title }] of columns.entries()) {
      if (least === undefined || (widths[at] ?? 0) <= Math.max(least, title.length)) continue;
      if (widest === undefined || (widths[at] ?? 0) > (widths[widest] ?? 0)) widest = at;
    }
    if (widest === undefined) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

function textOf(cell: Cell | undefined): string {
  return typeof cell === "object" ? cell.text : (cell ?? "");
}

function styleOf(cell: Cell | undefined): Style | undefined {
  return typeof cell === "object" ? cell.style : undefined;
}
