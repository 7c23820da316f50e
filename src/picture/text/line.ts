// Lines of styled text for a terminal, measured in columns. All texts are ASCII or of the signs in sign.ts,
// each one column wide.
import { type Style, styled, type Terminal } from "../../terminal/terminal.ts";

/** A piece of a line. */
export interface Span {
  text: string;
  style?: Style | undefined;
}

/** A line as its pieces. */
export type Line = readonly Span[];

/** A piece of a line. */
export function span(text: string, style?: Style): Span {
  return { text, style };
}

/** The number of columns of a line. */
export function widthOf(line: Line): number {
  return line.reduce((sum, { text }) => sum + text.length, 0);
}

/** The line with blanks at its end up to that width. */
export function padded(line: Line, width: number): Line {
  const missing = width - widthOf(line);
  return missing <= 0 ? line : [...line, span(" ".repeat(missing))];
}

/** The line as the terminal shows it, without blanks at its end. */
export function print(line: Line, terminal: Terminal): string {
  const text = line.map(({ text, style }) => (style === undefined ? text : styled(text, style, terminal)));
  return text.join("").replace(/ +$/, "");
}

/** The pieces with a gap between them in as many lines as it takes; a piece that is too long stands alone. */
export function flow(spans: readonly Span[], width: number, gap = 2): Line[] {
  const lines: Span[][] = [];
  for (const each of spans.filter(({ text }) => text !== "")) {
    const last = lines.at(-1);
    if (last === undefined || widthOf(last) + gap + each.text.length > width) lines.push([each]);
    else last.push(span(" ".repeat(gap)), each);
  }
  return lines;
}
