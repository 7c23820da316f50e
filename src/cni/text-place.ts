// Places in a text, as editors count them.

/** A line and a column of a text, both from 1; a column is a UTF-16 unit. */
export interface TextPlace {
  line: number;
  column: number;
}

/** The place of the character at `offset`. */
export function placeIn(text: string, offset: number): TextPlace {
  let line = 1;
  let start = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", start)) {
    line++;
    start = at + 1;
  }
  return { line, column: offset - start + 1 };
}

/** The line around `offset`, without its end, and the column of `offset` in it, counted from 0. */
export function lineAround(text: string, offset: number): { line: string; column: number } {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  return {
    line: text.slice(start, end === -1 ? text.length : end).replace(/\r$/, ""),
    column: offset - start,
  };
}
