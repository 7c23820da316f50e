// Rows of text in the picture, which is text for those who search, copy or listen.
import { element, escaped } from "./element.ts";
import { brokenName, brokenSentence, ROW, textWidth, type Writing } from "./measure.ts";
import { pointer } from "./shape.ts";

/** A piece of a row. */
export interface Piece {
  text: string;
  writing: Writing;
  /** Classes of style.ts beside that of the writing. */
  style?: string | undefined;
}

/** Rows of pieces that belong together: one element of text. */
export interface Paragraph {
  rows: readonly (readonly Piece[])[];
  /** Pixels, from the left. */
  indent?: number;
  /** What stands in the indent of the first row: a piece, or a small triangle of that style. */
  lead?: Piece | { pointer: string } | undefined;
}

/** The gap between two pieces of a row. */
const GAP = 10;

/** The height of paragraphs below each other. */
export function heightOf(paragraphs: readonly Paragraph[]): number {
  return paragraphs.reduce((sum, { rows }) => sum + rows.length * ROW, 0);
}

/** Pieces beside each other, in as many rows as it takes. */
export function flowed(pieces: readonly Piece[], width: number): Paragraph {
  const rows: Piece[][] = [];
  let used = 0;
  for (const piece of pieces.filter(({ text }) => text !== "")) {
    const wide = textWidth(piece.text, piece.writing);
    const last = rows.at(-1);
    if (last === undefined || used + GAP + wide > width) {
      const lines = brokenName(piece.text, piece.writing, width).map((text): Piece[] => [{ ...piece, text }]);
      rows.push(...lines);
      used = textWidth(rows.at(-1)?.[0]?.text ?? "", piece.writing);
    } else {
      last.push(piece);
      used += GAP + wide;
    }
  }
  return { rows };
}

/** A sentence in as many rows as it takes. */
export function sentence(text: string, style: string, width: number): Paragraph {
  return {
    rows: brokenSentence(text, "small", width).map((each) => [{ text: each, writing: "small", style }]),
  };
}

/** Paragraphs below each other, from a top at y. */
export function drawText(paragraphs: readonly Paragraph[], x: number, y: number): string {
  let top = y;
  return paragraphs
    .map(({ rows, indent = 0, lead }) => {
      const y = top + BASELINE;
      top += rows.length * ROW;
      return drawLead(lead, x, y) + drawRows(rows, x + indent, y);
    })
    .join("");
}

/** The baseline of a row below its top. */
const BASELINE = 13;

function drawLead(lead: Paragraph["lead"], x: number, y: number): string {
  if (lead === undefined) return "";
  return "pointer" in lead ? pointer(x, y, lead.pointer) : drawRows([[lead]], x, y);
}

function drawRows(rows: Paragraph["rows"], x: number, y: number): string {
  const [row, ...others] = rows;
  const [only] = row ?? [];
  if (row === undefined || only === undefined) return "";
  if (others.length === 0 && row.length === 1)
    return element("text", { x, y, class: classOf(only) }, escaped(only.text));
  const pieces = rows.flatMap((each, at) =>
    each.map((piece, place) => {
      const isFirst = place === 0;
      const move = isFirst ? (at === 0 ? {} : { x, dy: ROW }) : { dx: GAP };
      return element("tspan", { ...move, class: classOf(piece) }, escaped(piece.text));
    }),
  );
  return element("text", { x, y }, pieces.join(""));
}

function classOf({ writing, style }: Piece): string {
  return style === undefined ? writing : `${writing} ${style}`;
}
