// Boxes of text, and what leads to them from the left.
import type { Style } from "../../terminal/terminal.ts";
import { type Line, padded, span, widthOf } from "./line.ts";

/** The style of borders. */
const BORDER: Style = "faint";

/** The upper border of a box: `┌───┐`. `inner` is the width between its borders, without the blanks. */
export function topOf(inner: number): Line {
  return [span(`┌${"─".repeat(inner + 2)}┐`, BORDER)];
}

/** The border between two boxes on each other: `├───┤`. */
export function dividerOf(inner: number): Line {
  return [span(`├${"─".repeat(inner + 2)}┤`, BORDER)];
}

/** The lower border of a box: `└───┘`; `trunk`: the place where a line goes down from it. */
export function bottomOf(inner: number, trunk?: number): Line {
  const border = `└${"─".repeat(inner + 2)}┘`;
  if (trunk === undefined) return [span(border, BORDER)];
  return [span(`${border.slice(0, trunk)}┬${border.slice(trunk + 1)}`, BORDER)];
}

/** A row of a box; `left` is its left border: `│`, or `┤` where something leads to it. */
export function rowOf(content: Line, inner: number, left = "│"): Line {
  return [span(left, BORDER), span(" "), ...padded(content, inner), span(" "), span("│", BORDER)];
}

/** The box around some lines, which something leads to at its first row. */
export function boxOf(lines: readonly Line[], inner: number, trunk?: number): Line[] {
  return [
    topOf(inner),
    ...lines.map((line, at) => rowOf(line, inner, at === 0 ? "┤" : "│")),
    bottomOf(inner, trunk),
  ];
}

/**
 * The lines behind a margin: `first` in front of the line with that number, `before` and `after` around it.
 */
export function behind(lines: readonly Line[], { row, before, first, after }: Margin): Line[] {
  return lines.map((line, at) => [span(at < row ? before : at === row ? first : after, BORDER), ...line]);
}

/** What stands in front of lines: a branch that leads to one of them. */
export interface Margin {
  row: number;
  before: string;
  first: string;
  after: string;
}

/** The width of the widest line. */
export function widest(lines: readonly Line[]): number {
  return lines.reduce((most, line) => Math.max(most, widthOf(line)), 0);
}
