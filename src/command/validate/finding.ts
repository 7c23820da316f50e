// What `pontoon validate` finds, and how a person and a program read it.
import type { TextPlace } from "../../cni/text-place.ts";
import { type Style, shown, styled, type Terminal } from "../../terminal/terminal.ts";
import { wrapped } from "../../terminal/wrap.ts";

/**
 * `error`: a mistake in the file. `warning`: something of this node is in the way of a right file. `note`:
 * something that may be meant so.
 */
export type Severity = "error" | "warning" | "note";

/** A finding in a file. */
export interface Finding {
  severity: Severity;
  /** The file as it was named; `-` is stdin. */
  file: string;
  /** Undefined for a finding about the file as a whole. */
  place?: TextPlace | undefined;
  /** The key path in the file, as in `plugins[0].ipam.subnet`; empty for the whole. */
  path: string;
  /** A sentence without its full stop. */
  message: string;
  /** A sentence about what to do. */
  hint?: string | undefined;
  /** The key path that was meant by a misspelt one, below the entry. The message says it too. */
  meant?: string | undefined;
  /** The line itself, and the column in it, counted from 0. */
  excerpt?: { line: string; column: number } | undefined;
}

/** A finding without the file that it is in. */
export type Remark = Omit<Finding, "file" | "place">;

const STYLES: { readonly [Each in Severity]: Style } = { error: "red", warning: "yellow", note: "bold" };

/** The finding as whole lines: place, severity and sentence, then the line with a caret, then the hint. */
export function linesOf(finding: Finding, terminal: Terminal): string {
  const { severity, file, place, message, hint, excerpt } = finding;
  const at = place === undefined ? "" : `:${place.line}:${place.column}`;
  const name = file === "-" ? "stdin" : shown(file);
  const [first = "", ...more] = wrapped(
    `${name}${at}: ${severity}: ${shown(message)}`,
    terminal.columns - MARGIN.length,
  );
  const coloured = first.replace(
    ` ${severity}:`,
    () => ` ${styled(`${severity}:`, STYLES[severity], terminal)}`,
  );
  return [
    coloured,
    ...more.map((line) => MARGIN + line),
    ...(excerpt === undefined ? [] : pointed(excerpt, terminal.columns - MARGIN.length)),
    ...(hint === undefined ? [] : wrapped(`Hint: ${shown(hint)}.`, terminal.columns, MARGIN)),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

const MARGIN = "    ";

/** The widest piece of a line that is shown where nothing limits it. */
const WIDEST = 120;

/** The line, cut to what fits around the column, and a caret below it. */
function pointed({ line, column }: { line: string; column: number }, columns: number): string[] {
  const width = Math.max(20, Math.min(columns, WIDEST));
  const from = Math.max(0, Math.min(column - Math.floor(width / 2), line.length - width));
  const readable = (text: string): string => shown(text.replaceAll("\t", " "));
  const before = readable(line.slice(from, column));
  return [
    `${MARGIN}${before}${readable(line.slice(column, from + width))}`.trimEnd(),
    `${MARGIN}${" ".repeat(before.length)}^`,
  ];
}

/** The finding as a program reads it. */
export function jsonOf({ file, place, path, severity, message, hint, meant }: Finding): object {
  return {
    file,
    line: place?.line ?? null,
    column: place?.column ?? null,
    path,
    severity,
    message,
    suggestion: hint ?? meant ?? null,
  };
}
