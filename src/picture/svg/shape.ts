// The shapes of the picture at their places in pixels: boxes, lines, arrows.
import { element } from "./element.ts";

/** A place in pixels. */
export interface Place {
  x: number;
  y: number;
}

/** A place and a size in pixels. */
export interface Rect extends Place {
  width: number;
  height: number;
}

/** A point in pixels. */
export type Point = readonly [x: number, y: number];

/** A box with round corners. `style`: classes of style.ts. */
export function box({ x, y, width, height }: Rect, style: string, radius = 6): string {
  return element("rect", { x, y, width, height, rx: radius, class: style });
}

/** A line through points. `style`: classes of style.ts beside that of lines. */
export function line(points: readonly Point[], style = ""): string {
  const d = points.map(([x, y], at) => `${at === 0 ? "M" : "L"}${x} ${y}`).join("");
  return element("path", { d, class: `line ${style}`.trim() });
}

/** A vertical arrow with its head at `to`. */
export function arrow(x: number, [from, to]: Point, style: string): string {
  const neck = from < to ? to - 8 : to + 8;
  return (
    element("path", { d: `M${x} ${from}V${neck}`, class: `flow ${style}` }) +
    element("path", { d: `M${x - 5} ${neck}H${x + 5}L${x} ${to}Z`, class: style })
  );
}

/** A small triangle that points to the right, in front of a row of text with its baseline at y. */
export function pointer(x: number, y: number, style: string): string {
  return element("path", { d: `M${x} ${y - 9}L${x + 7} ${y - 4.5}L${x} ${y}Z`, class: style });
}

/** The end of a pair of interfaces, a small square around a point. */
export function plug([x, y]: Point, style = "end"): string {
  return element("rect", { x: x - 4, y: y - 4, width: 8, height: 8, rx: 1.5, class: style });
}

/** The mark of a thing that is wrong. */
export function alarm([x, y]: Point): string {
  return (
    element("circle", { cx: x, cy: y, r: 7.5, class: "red" }) +
    element("path", { d: `M${x} ${y - 4}v4.5M${x} ${y + 3}v.5`, class: "mark" })
  );
}
