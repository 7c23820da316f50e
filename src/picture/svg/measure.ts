// The width of text in an SVG. The font is the reader's, so the width is an estimate that suits wide fonts,
// and exact for fonts of one width.

/** A way of writing. `title` and `label` are sans serif, `code` has one width. */
export type Writing = "title" | "label" | "code" | "small";

/** The sizes in pixels, as in style.ts. */
const SIZES: { readonly [Each in Writing]: number } = { title: 13, label: 12, code: 12, small: 11 };

/** The height of a row of text. */
export const ROW = 18;

/**
 * The width of a character in a font of one width: Menlo, DejaVu Sans Mono and Liberation Mono have 0.6 em.
 */
const CODE_WIDTH = 0.605;

/** The estimated width in pixels. */
export function textWidth(text: string, writing: Writing): number {
  if (writing === "code") return text.length * CODE_WIDTH * SIZES.code;
  let ems = 0;
  for (const character of text) ems += widthOf(character);
  return ems * SIZES[writing] * (writing === "title" ? 1.1 : 1);
}

/** The widths of DejaVu Sans, the widest of the usual fonts, in em, by kinds of characters. */
function widthOf(character: string): number {
  if (/[ijl.,:;'|! ]/.test(character)) return 0.34;
  if (/[ftr()/[\]-]/.test(character)) return 0.4;
  if (/[mwMW@%<>&+=~#]/.test(character)) return 0.95;
  return /[A-Z]/.test(character) ? 0.72 : 0.62;
}

/**
 * The text, or where it is too wide its beginning and its end with an ellipsis between: the end of a pod's
 * name is what tells it from others.
 */
export function fitted(text: string, writing: Writing, width: number): string {
  if (textWidth(text, writing) <= width) return text;
  for (let kept = text.length - 1; kept > 1; kept--) {
    const tail = Math.min(12, Math.floor(kept / 2));
    const short = `${text.slice(0, kept - tail)}…${text.slice(text.length - tail)}`;
    if (textWidth(short, writing) <= width) return short;
  }
  return "…";
}

/** The words of a sentence in lines of that width. Each but the last ends in a blank, so they read as one. */
export function brokenSentence(sentence: string, writing: Writing, width: number): string[] {
  return broken(sentence.split(/(?<= )/), writing, width);
}

/** A name or an address in lines of that width, broken behind `/`, `-`, `:` and `.`; three lines at most. */
export function brokenName(name: string, writing: Writing, width: number): string[] {
  const lines = broken(name.split(/(?<=[/:.-])/), writing, width);
  return lines.length <= MOST_LINES
    ? lines
    : [...lines.slice(0, MOST_LINES - 1), fitted(lines.slice(MOST_LINES - 1).join(""), writing, width)];
}

const MOST_LINES = 3;

function broken(parts: readonly string[], writing: Writing, width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last === undefined || textWidth((last + part).trimEnd(), writing) > width) lines.push(part);
    else lines[lines.length - 1] = last + part;
  }
  return lines.map((line) =>
    textWidth(line.trimEnd(), writing) > width ? fitted(line, writing, width) : line,
  );
}
