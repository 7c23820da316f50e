// A pod in the picture: the interface on the node, what joins it to the pod, and the box of the pod's
// namespace.
import type { Pod } from "../scene.ts";
import { BESIDE_TRUNK, PADDING, PADDING_TOP, TRUNK } from "./grid.ts";
import { brokenName, textWidth } from "./measure.ts";
import { alarm, box, line, type Place, type Point, plug, type Rect } from "./shape.ts";
import { drawText, flowed, heightOf, type Paragraph, type Piece, sentence } from "./text.ts";

/** The height of the row above a box, with the interface on the node and what joins it to the box. */
export const ABOVE = 26;
/** The place of that interface in the row. */
export const MIDDLE = 10;
/** The place of the two interfaces, from a box's left border. */
const PLUG = 14;

/** The height of a pod's box of that width. */
export function boxHeight(pod: Pod, width: number): number {
  return 2 * PADDING_TOP + heightOf(podText(pod, width - 2 * PADDING));
}

/**
 * The row above a pod's box: a branch of the trunk, the interface on the node, and what joins it to the box.
 */
export function drawAbove(pod: Pod, { x, y }: Place, hangs: boolean): string {
  if (pod.hostEnd === "" && !hangs) return "";
  const style = isWrong(pod) ? "red" : "";
  const [at, middle] = [x + BESIDE_TRUNK + PLUG, y + MIDDLE];
  const from: Point[] = hangs ? [[x + TRUNK, middle]] : [];
  const ends = [
    plug([at, y + ABOVE], style || "end"),
    pod.hostEnd === "" ? "" : plug([at, middle], style || "end"),
  ];
  const label: Paragraph = { rows: [[{ text: pod.hostEnd, writing: "code", style: "faint" }]] };
  return [
    line([...from, [at, middle], [at, y + ABOVE]], style),
    ...ends,
    pod.hostEnd === "" ? "" : drawText([label], at + 10, y + 1),
  ].join("");
}

/** The box of a pod's namespace. */
export function drawBox(pod: Pod, frame: Rect): string {
  return [
    box(frame, boxStyle(pod)),
    drawText(podText(pod, frame.width - 2 * PADDING), frame.x + PADDING, frame.y + PADDING_TOP),
    isWrong(pod) ? alarm([frame.x + frame.width - 14, frame.y + 14]) : "",
  ].join("");
}

/** All that is known of the pod in one row, for those who point at it. */
export function titleOf(pod: Pod): string {
  const { name, addresses, hostEnd, hostPorts, facts, problems } = pod;
  const row = [name, pod.interface, ...addresses, hostEnd, ...hostPorts, ...facts].filter(
    (each) => each !== "",
  );
  return [row.join("  "), ...problems].join("\n");
}

/** True for a pod that is drawn in red. */
export function isWrong({ state, problems }: Pod): boolean {
  return state === "wrong" || problems.length > 0;
}

function boxStyle(pod: Pod): string {
  if (isWrong(pod)) return "wrong";
  if (pod.state === "starting" || pod.state === "odd") return "odd";
  return pod.state === "ok" ? "box" : "box dash";
}

function podText(pod: Pod, width: number): Paragraph[] {
  const { name, addresses, hostPorts, facts, problems } = pod;
  const room = width - (isWrong(pod) ? 14 : 0);
  const title = brokenName(name, "title", room).map((text): Piece[] => [
    { text, writing: "title", style: pod.state === "foreign" || pod.state === "free" ? "faint" : undefined },
  ]);
  return [
    { rows: title },
    ...addressText(pod.interface, addresses, width),
    ...hostPorts.map((mapping) => ({
      ...flowed([{ text: mapping.replace("->", "→"), writing: "code", style: "in" }], width - POINTER),
      indent: POINTER,
      lead: { pointer: "in" },
    })),
    ...facts.map((fact) => sentence(fact, "faint", width)),
    ...problems.map((problem) => sentence(problem, "red", width)),
  ];
}

/** The indent of a row behind a pointer. */
const POINTER = 14;

/** The interface with its addresses, which stand below each other, or below it where there is no room. */
function addressText(end: string, addresses: readonly string[], width: number): Paragraph[] {
  const name: Piece = { text: end, writing: "code", style: "faint" };
  const indent = end === "" ? 0 : textWidth(`${end} `, "code");
  const isNarrow = addresses.some((address) => indent + textWidth(address, "code") > width);
  if (isNarrow || addresses.length === 0)
    return [
      ...(end === "" ? [] : [{ rows: [[name]] }]),
      ...addresses.map((text) => flowed([code(text)], width)),
    ];
  return addresses.map((text, at) => ({
    rows: [[code(text)]],
    indent,
    lead: at === 0 && end !== "" ? name : undefined,
  }));
}

function code(text: string): Piece {
  return { text, writing: "code" };
}
