// The grid of the picture, in pixels: three columns in the frame of the node, and the line down the node
// beside them.

export const COLUMNS = 3;
export const COLUMN = 276;
/** The space between two columns. */
export const GUTTER = 20;
/** The space around the picture. */
export const MARGIN = 20;
/** The left border of the first column. */
export const LEFT = MARGIN + 34;
export const WIDTH = LEFT + COLUMNS * COLUMN + (COLUMNS - 1) * GUTTER + MARGIN + 18;
/** The line that leads down the node. */
export const SPINE = MARGIN + 17;
/** The place of lines that lead down a column, from its left border. */
export const TRUNK = 10;
/** The left border of boxes that such a line passes, from that of the column. */
export const BESIDE_TRUNK = 28;
/** The space between the border of a box and the text in it: at its sides, and above and below. */
export const PADDING = 10;
export const PADDING_TOP = 8;

/** The left border of a column, which counts from 0. */
export function columnAt(column: number): number {
  return LEFT + column * (COLUMN + GUTTER);
}

/** The width of so many columns. */
export function columnsWidth(count: number): number {
  return count * COLUMN + (count - 1) * GUTTER;
}
