// The place where a person reads a command's text, and text made for it.
import { isPrintable } from "../sys/bytes.ts";

/** The place where a command's text is shown. */
export interface Terminal {
  /** The width in columns; Infinity where the text goes to a file or a pipe, which nothing is cut for. */
  columns: number;
  /** Colours and bold letters are understood and wanted. */
  hasColours: boolean;
  /** The screen can be cleared. */
  canClear?: boolean;
}

/** A plain file or pipe: no end of a line, no colours. */
export const PLAIN: Terminal = { columns: Number.POSITIVE_INFINITY, hasColours: false };

/** The ways in which a text may stand out. */
export type Style = "bold" | "faint" | "red" | "green" | "yellow";

/** SGR codes (ECMA-48, 8.3.117). */
const CODES: { readonly [Each in Style]: number } = { bold: 1, faint: 2, red: 31, green: 32, yellow: 33 };

/** The text in that style, where the terminal has colours. */
export function styled(text: string, style: Style, { hasColours }: Terminal): string {
  return hasColours && text !== "" ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
}

/**
 * A text of others (names of links, processes, comments of rules) as it may be shown: everything but
 * printable ASCII becomes "?", so that no text moves the cursor, recolours or reorders what stands around it.
 */
export function shown(text: string): string {
  return isPrintable(text) ? text : text.replace(/[^ -~]/gu, "?");
}

/** The text cut to that many columns, the last one then an ellipsis. */
export function cut(text: string, columns: number): string {
  if (text.length <= columns) return text;
  return columns < 1 ? "" : `${text.slice(0, columns - 1)}…`;
}
