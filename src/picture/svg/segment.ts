// A bridge, or another thing that connects pods, and its pods in columns.
import { foldPods, foldText } from "../fold.ts";
import { isReached, isWrongHead, type Network, type Pod, type Segment } from "../scene.ts";
import { element, escaped } from "./element.ts";
import { BESIDE_TRUNK, COLUMN, COLUMNS, columnsWidth, GUTTER, PADDING, PADDING_TOP, TRUNK } from "./grid.ts";
import { ABOVE, boxHeight, drawAbove, drawBox, isWrong as isWrongPod, MIDDLE, titleOf } from "./pod.ts";
import { alarm, box, line, type Place, type Point, plug } from "./shape.ts";
import { drawText, flowed, heightOf, type Paragraph, type Piece, sentence } from "./text.ts";

/** The space between two rows of pods. */
const ROW_GAP = 14;

/** A segment that is ready to be drawn. */
export interface Placed {
  segment: Segment;
  /** The number of columns. */
  span: number;
  height: number;
  /** Draws it with its left upper corner at that point. */
  draw(x: number, y: number): string;
}

/** Lays a segment out. `isWhole`: no pod is left out. */
export function placeSegment(segment: Segment, isWhole: boolean): Placed {
  const folds = segment.networks.map((network) => ({ network, ...foldPods(network, isWhole) }));
  const pods = folds.flatMap(({ shown }) => shown);
  const hidden = folds.filter(({ folded }) => folded.length > 0);
  const span = hidden.length > 0 ? COLUMNS : Math.min(COLUMNS, Math.max(1, pods.length));
  const width = columnsWidth(span);
  const head = headOf(segment, width);
  const headHeight =
    heightOf(head) + (segment.kind === "bridge" ? 2 * PADDING_TOP : isReached(segment) ? 6 : 0);
  const above = isReached(segment) || pods.some(({ hostEnd }) => hostEnd !== "") ? ABOVE : 0;
  const rows = rowsOf(pods, span, above);
  const grids = hidden.map(({ folded, network }) => gridOf(folded, { network, width: width - BESIDE_TRUNK }));
  const heights = [...rows.map(({ height }) => height), ...grids.map(({ height }) => height)];
  const height = headHeight + heights.reduce((sum, each) => sum + ROW_GAP + each, 0);
  const drawing = { segment, head, headHeight, width, rows, grids };
  return { segment, span, height, draw: (x, y) => drawSegment(drawing, x, y) };
}

/** A row of pods. */
interface PodRow {
  pods: Pod[];
  height: number;
  /** The height of what stands above the boxes. */
  above: number;
}

function rowsOf(pods: readonly Pod[], span: number, above: number): PodRow[] {
  const rows: PodRow[] = [];
  for (let at = 0; at < pods.length; at += span) {
    const row = pods.slice(at, at + span);
    const tallest = Math.max(...row.map((pod) => boxHeight(pod, COLUMN - BESIDE_TRUNK)));
    rows.push({ pods: row, height: above + tallest, above });
  }
  return rows;
}

/** The grid of pods that are counted alone. */
interface Grid {
  height: number;
  draw(x: number, y: number): string;
}

const TILE = 9;
const TILE_STEP = 12;

function gridOf(folded: readonly Pod[], { network, width }: { network: Network; width: number }): Grid {
  const text: Piece[] = [
    { text: foldText(folded), writing: "label" },
    { text: `network ${network.name}`, writing: "small", style: "faint" },
  ];
  const rows = [flowed(text, width - 2 * PADDING)];
  const perRow = Math.floor((width - 2 * PADDING + TILE_STEP - TILE) / TILE_STEP);
  const top = PADDING_TOP + heightOf(rows) + 4;
  const height = top + Math.ceil(folded.length / perRow) * TILE_STEP + PADDING;
  const draw = (x: number, y: number): string => {
    const tiles = folded.map((pod, at) => {
      const place = {
        x: x + PADDING + (at % perRow) * TILE_STEP,
        y: y + top + Math.floor(at / perRow) * TILE_STEP,
      };
      const style = isWrongPod(pod) ? "tile red" : "tile";
      const shape = { ...place, width: TILE, height: TILE, rx: 2, class: style };
      return element("rect", shape, element("title", {}, escaped(titleOf(pod))));
    });
    return (
      box({ x, y, width, height }, "box dash") + drawText(rows, x + PADDING, y + PADDING_TOP) + tiles.join("")
    );
  };
  return { height, draw };
}

/** What is written above the pods. */
function headOf(segment: Segment, width: number): Paragraph[] {
  const { kind, title, addresses, facts, networks, problems } = segment;
  const isWrong = isWrongHead(segment);
  const room = width - (kind === "bridge" ? 2 * PADDING : BESIDE_TRUNK) - (isWrong ? 14 : 0);
  const first: Piece[] = [
    { text: title, writing: "title", style: isWrong ? "red" : undefined },
    ...addresses.map((text): Piece => ({ text, writing: "code" })),
    ...facts.map(faint),
  ];
  const named = networks.filter(({ name }) => name !== "");
  const ofNetworks = named.map(networkPieces);
  const [only = []] = ofNetworks;
  const rows = kind !== "bridge" && named.length === 1 ? [[...first, ...only]] : [first, ...ofNetworks];
  return [
    ...rows.map((pieces) => flowed(pieces, room)),
    ...networks.flatMap((network) => network.problems.map((each) => sentence(each, "red", room))),
    ...problems.map((each) => sentence(each, "red", room)),
  ];
}

function networkPieces({ name, facts, pods }: Network): Piece[] {
  const count = pods.filter(({ state }) => state !== "free").length;
  return [
    { text: `network ${name}`, writing: "label" },
    ...[`${count} pod${count === 1 ? "" : "s"}`, ...facts].map(faint),
  ];
}

function faint(text: string): Piece {
  return { text, writing: "small", style: "faint" };
}

interface Drawing {
  segment: Segment;
  head: Paragraph[];
  headHeight: number;
  width: number;
  rows: PodRow[];
  grids: Grid[];
}

function drawSegment(drawing: Drawing, x: number, y: number): string {
  const { segment, headHeight, rows, grids } = drawing;
  const hangs = isReached(segment);
  const trunks: number[] = [];
  const parts: string[] = [];
  let top = y + headHeight;
  for (const row of rows) {
    top += ROW_GAP;
    parts.push(drawRow(row, { x, y: top }, hangs));
    for (const column of row.pods.keys()) trunks[column] = top + MIDDLE;
    if (segment.kind === "wire" && row.pods.length > 1) parts.push(drawWire(row, { x, y: top }));
    top += row.height;
  }
  for (const grid of grids) {
    top += ROW_GAP;
    const middle = top + 17;
    parts.push(grid.draw(x + BESIDE_TRUNK, top), branch([x, middle]));
    trunks[0] = middle;
    top += grid.height;
  }
  const start = y + headHeight - (segment.kind === "bridge" ? 0 : RULE);
  const lines = trunks.map((end, column) => trunk(x + column * (COLUMN + GUTTER), [start, end]));
  return element("g", {}, [drawHead(drawing, x, y), ...(hangs ? lines : []), ...parts].join(""));
}

function drawRow({ pods, height, above }: PodRow, { x, y }: Place, hangs: boolean): string {
  const size = { y: y + above, width: COLUMN - BESIDE_TRUNK, height: height - above };
  const cells = pods.map((pod, column) => {
    const left = x + column * (COLUMN + GUTTER);
    const title = element("title", {}, escaped(titleOf(pod)));
    const frame = { ...size, x: left + BESIDE_TRUNK };
    return element("g", {}, title + drawBox(pod, frame) + drawAbove(pod, { x: left, y }, hangs));
  });
  return cells.join("");
}

function trunk(x: number, [from, to]: Point): string {
  return line([
    [x + TRUNK, from],
    [x + TRUNK, to],
  ]);
}

/** The branch from a trunk to a box beside it. */
function branch([x, y]: Point): string {
  const end: Point = [x + BESIDE_TRUNK, y];
  return line([[x + TRUNK, y], end]) + plug(end);
}

/** The wire joins the boxes of its two pods at half their height. */
function drawWire({ height, above }: PodRow, { x, y }: Place): string {
  const middle = y + above + (height - above) / 2;
  const ends: Point[] = [
    [x + COLUMN, middle],
    [x + COLUMN + GUTTER + BESIDE_TRUNK, middle],
  ];
  return line(ends) + ends.map((end) => plug(end)).join("");
}

function drawHead({ segment, head, headHeight, width, rows }: Drawing, x: number, y: number): string {
  const isWrong = isWrongHead(segment);
  if (segment.kind === "bridge") {
    const frame = { x, y, width, height: headHeight };
    return [
      box(frame, isWrong ? "wrong" : "bridge"),
      drawText(head, x + PADDING, y + PADDING_TOP),
      isWrong ? alarm([x + width - 14, y + 14]) : "",
    ].join("");
  }
  const text = drawText(head, x + BESIDE_TRUNK - 4, y);
  if (!isReached(segment)) return text;
  const last = (rows[0]?.pods.length ?? 1) - 1;
  const bottom = y + headHeight - RULE;
  const corner: Point[] = [
    [x + TRUNK, y],
    [x + TRUNK, bottom],
    [x + last * (COLUMN + GUTTER) + TRUNK, bottom],
  ];
  return text + line(corner);
}

/** The line below a head without a box, from the head's end. */
const RULE = 2;
