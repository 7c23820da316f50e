// The rows of segments below the node's rules, and the lines that lead to them.
import type { Interface, Scene } from "../scene.ts";
import { isReached } from "../scene.ts";
import { COLUMN, COLUMNS, columnAt, columnsWidth, LEFT, PADDING, PADDING_TOP, SPINE, TRUNK } from "./grid.ts";
import { interfaceText, type Part } from "./node.ts";
import { type Placed, placeSegment } from "./segment.ts";
import { box, line } from "./shape.ts";
import { drawText, heightOf, type Paragraph } from "./text.ts";

/** The space above a row of segments, with the line that leads to them in its middle. */
const RAIL = 32;

/** Draws all segments and the other interfaces of the node from the lower border `y` of its rules on. */
export function drawSegments(scene: Scene, { y, isWhole }: { y: number; isWhole: boolean }): Part {
  const rows = packed(scene.segments.map((segment) => placeSegment(segment, isWhole)));
  const parts: string[] = [];
  const rails: number[] = [];
  let top = y;
  for (const row of rows) {
    const rail = top + RAIL / 2;
    top += RAIL;
    const drops = row
      .filter(({ placed }) => isReached(placed.segment))
      .map(({ column }) => columnAt(column) + TRUNK);
    if (drops.length > 0) {
      rails.push(rail);
      parts.push(
        line([
          [rails.length === 1 ? LEFT + TRUNK : SPINE, rail],
          [drops.at(-1) ?? 0, rail],
        ]),
      );
      for (const x of drops)
        parts.push(
          line([
            [x, rail],
            [x, top],
          ]),
        );
    }
    for (const { placed, column } of row) parts.push(placed.draw(columnAt(column), top));
    top += Math.max(...row.map(({ placed }) => placed.height));
  }
  const others = drawInterfaces(scene.interfaces, top);
  return { parts: [...drawSpine(rails, y), ...parts, ...others.parts], end: others.end };
}

/** The line from the rules down to every rail. */
function drawSpine(rails: readonly number[], y: number): string[] {
  const [first] = rails;
  const last = rails.at(-1);
  if (first === undefined || last === undefined) return [];
  const start = line([
    [LEFT + TRUNK, y],
    [LEFT + TRUNK, first],
  ]);
  return last === first
    ? [start]
    : [
        start,
        line([
          [LEFT + TRUNK, first],
          [SPINE, first],
          [SPINE, last],
        ]),
      ];
}

interface InColumn {
  placed: Placed;
  column: number;
}

/** Segments in rows, each in the first row that has room for it. */
function packed(all: readonly Placed[]): InColumn[][] {
  const rows: { used: number; row: InColumn[] }[] = [];
  for (const placed of all) {
    let place = rows.find(({ used }) => used + placed.span <= COLUMNS);
    if (place === undefined) rows.push((place = { used: 0, row: [] }));
    place.row.push({ placed, column: place.used });
    place.used += placed.span;
  }
  return rows.map(({ row }) => row);
}

/** The interfaces of the node that nothing else shows. */
function drawInterfaces(interfaces: readonly Interface[], y: number): Part {
  if (interfaces.length === 0) return { parts: [], end: y };
  const columns: Paragraph[][] = Array.from({ length: COLUMNS }, () => []);
  for (const [at, each] of interfaces.entries())
    columns[at % COLUMNS]?.push(...interfaceText(each, COLUMN - 2 * PADDING));
  const title: Paragraph = { rows: [[{ text: "OTHER INTERFACES", writing: "small", style: "cap faint" }]] };
  const top = y + RAIL;
  const height = heightOf([title]) + Math.max(...columns.map(heightOf)) + 2 * PADDING_TOP;
  return {
    parts: [
      box({ x: LEFT, y: top, width: columnsWidth(COLUMNS), height }, "box dash"),
      drawText([title], LEFT + PADDING, top + PADDING_TOP),
      ...columns.map((column, at) =>
        drawText(column, columnAt(at) + PADDING, top + PADDING_TOP + heightOf([title])),
      ),
    ],
    end: top + height,
  };
}
