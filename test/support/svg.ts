// Pictures as an XML parser sees them: Python's, which is no part of ours.
import { execaSync } from "execa";
import { toolPath } from "./tool.ts";

/** An element of an SVG. */
export interface SvgElement {
  tag: string;
  attributes: Record<string, string>;
  /** The text of it and of all elements in it. */
  text: string;
  children: SvgElement[];
}

const PARSE = `
import json, sys, xml.etree.ElementTree as tree
def value(e):
    return {"tag": e.tag.replace("{http://www.w3.org/2000/svg}", ""), "attributes": e.attrib,
            "text": "".join(e.itertext()), "children": [value(child) for child in e]}
json.dump(value(tree.fromstring(sys.stdin.buffer.read())), sys.stdout)
`;

/** Parses a picture. Throws for what is no XML. */
export function parseSvg(text: string): SvgElement {
  const { stdout } = execaSync(toolPath("python3"), ["-c", PARSE], { input: text, timeout: 30_000 });
  return JSON.parse(stdout) as SvgElement;
}

/** The element and all in it, in their order. */
export function everyElement(element: SvgElement): SvgElement[] {
  return [element, ...element.children.flatMap(everyElement)];
}

/** The texts that are seen; arrows between ports are as in text. */
export function seenTexts(svg: SvgElement): string[] {
  return everyElement(svg)
    .filter(({ tag }) => tag === "text")
    .map(({ text }) => text.replace("→", "->"));
}

/** A rectangle in pixels. */
export interface Frame {
  name: string;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** The rectangles of these classes. */
export function framesOf(svg: SvgElement, ...classes: string[]): Frame[] {
  return everyElement(svg)
    .filter(
      ({ tag, attributes }) => tag === "rect" && classes.includes(attributes["class"]?.split(" ")[0] ?? ""),
    )
    .map(({ attributes }) => {
      const [x = 0, y = 0, width = 0, height = 0] = ["x", "y", "width", "height"].map((key) =>
        Number(attributes[key]),
      );
      return { name: attributes["class"] ?? "", left: x, right: x + width, top: y, bottom: y + height };
    });
}

/** The straight pieces of all lines, as rectangles without width. */
export function piecesOfLines(svg: SvgElement): Frame[] {
  return everyElement(svg)
    .filter(({ tag, attributes }) => tag === "path" && attributes["class"]?.startsWith("line") === true)
    .flatMap(({ attributes }) => {
      const points = [...(attributes["d"] ?? "").matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [
        Number(x),
        Number(y),
      ]);
      return points.slice(1).map(([x = 0, y = 0], at) => {
        const [fromX = 0, fromY = 0] = points[at] ?? [];
        return {
          name: attributes["d"] ?? "",
          left: Math.min(x, fromX),
          right: Math.max(x, fromX),
          top: Math.min(y, fromY),
          bottom: Math.max(y, fromY),
        };
      });
    });
}

/** True where the two have more than a border in common. */
export function overlap(a: Frame, b: Frame): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
