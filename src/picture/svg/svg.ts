// The picture as an SVG: the world on top, the node below it with its ways out and its rules, then bridges
// and what else connects pods, in three columns.
import { descriptionOf } from "../description.ts";
import type { Scene } from "../scene.ts";
import { element, escaped } from "./element.ts";
import { LEFT, MARGIN, WIDTH } from "./grid.ts";
import { drawNode } from "./node.ts";
import { drawSegments } from "./segments.ts";
import { box } from "./shape.ts";
import { styleSheet } from "./style.ts";
import { drawText } from "./text.ts";

/** The height of the world, and the space below it in which ways and flows have their names. */
const WORLD = 38;
const BETWEEN = 46;

/** The picture as one document without scripts, links and fonts. `isWhole`: no pod is left out. */
export function svgOf(scene: Scene, { isWhole }: { isWhole: boolean }): string {
  const world = { x: MARGIN, y: MARGIN, width: WIDTH - 2 * MARGIN, height: WORLD };
  const top = world.y + WORLD + BETWEEN;
  const node = drawNode(scene, { world: world.y + WORLD, top });
  const below = drawSegments(scene, { y: node.end, isWhole });
  const frame = { ...world, y: top, height: below.end + 18 - top };
  const height = frame.y + frame.height + MARGIN;
  const parts = [
    element("title", { id: "pontoon-title" }, escaped(`The network of node ${scene.node}`)),
    element("desc", { id: "pontoon-desc" }, escaped(descriptionOf(scene))),
    element("style", {}, styleSheet()),
    element("rect", { width: WIDTH, height, rx: 8, class: "page" }),
    box(world, "node", WORLD / 2),
    drawText([{ rows: [[{ text: "outside", writing: "title" }]] }], LEFT, world.y + 10),
    box(frame, "node", 10),
    ...node.parts,
    ...below.parts,
  ];
  const shape = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${WIDTH} ${height}`,
    width: WIDTH,
    height,
    role: "img",
    "aria-labelledby": "pontoon-title pontoon-desc",
  };
  return `${element("svg", shape, `\n${parts.filter((part) => part !== "").join("\n")}\n`)}\n`;
}
