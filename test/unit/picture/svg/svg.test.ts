import { describe, expect, test } from "vitest";
import type { Scene } from "../../../../src/picture/scene.ts";
import { textWidth, type Writing } from "../../../../src/picture/svg/measure.ts";
import { SCHEMES } from "../../../../src/picture/svg/style.ts";
import { svgOf } from "../../../../src/picture/svg/svg.ts";
import { bridgeWith, brokenPod, podNumber, SCENES, sceneWith } from "../../../support/picture.ts";
import {
  everyElement,
  type Frame,
  framesOf,
  overlap,
  parseSvg,
  piecesOfLines,
  type SvgElement,
  seenTexts,
} from "../../../support/svg.ts";

const drawn = (scene: Scene, isWhole = false): SvgElement => parseSvg(svgOf(scene, { isWhole }));
const podsOf = ({ segments }: Scene) =>
  segments.flatMap(({ networks }) => networks.flatMap(({ pods }) => pods));

/** Rows of text as rectangles, by the estimated width. */
function rowsOfText(svg: SvgElement): Frame[] {
  return everyElement(svg)
    .filter(({ tag }) => tag === "text")
    .flatMap(({ attributes, text, children }) => {
      const rows: Frame[] = [];
      let [x, y] = [Number(attributes["x"]), Number(attributes["y"])];
      const start = x;
      for (const piece of children.length === 0 ? [{ attributes, text }] : children) {
        const writing = (piece.attributes["class"] ?? "").split(" ")[0] as Writing;
        if (piece.attributes["dy"] !== undefined) [x, y] = [start, y + Number(piece.attributes["dy"])];
        x += Number(piece.attributes["dx"] ?? 0);
        const right = x + textWidth(piece.text.trimEnd(), writing);
        rows.push({ name: piece.text, left: x, right, top: y - 9, bottom: y + 3 });
        x = right;
      }
      return rows;
    });
}

function pairs<Item>(items: readonly Item[], isWanted: (a: Item, b: Item) => boolean): [Item, Item][] {
  return items.flatMap((a, at) =>
    items.slice(at + 1).flatMap((b): [Item, Item][] => (isWanted(a, b) ? [[a, b]] : [])),
  );
}

describe.each(Object.entries(SCENES))("%s", (_, scene) => {
  const svg = drawn(scene);

  test("boxes, texts and lines keep clear of each other, within the picture", () => {
    const boxes = framesOf(svg, "box", "wrong", "odd", "bridge");
    const rows = rowsOfText(svg);
    const lines = piecesOfLines(svg);
    expect(pairs(boxes, overlap)).toEqual([]);
    expect(pairs(rows, overlap)).toEqual([]);
    expect(
      lines.flatMap((line) => rows.filter((row) => overlap(line, row)).map((row) => [line, row])),
    ).toEqual([]);
    const across = rows.filter((row) =>
      boxes.some((box) => overlap(row, box) && (row.right > box.right || row.left < box.left)),
    );
    expect(across).toEqual([]);
    const { width, height } = svg.attributes;
    const out = [...boxes, ...rows, ...lines].filter(
      ({ left, right, top, bottom }) =>
        left < 0 || top < 0 || right > Number(width) || bottom > Number(height),
    );
    expect(out).toEqual([]);
  });

  test("every pod, address and sentence is text in it when all are asked for", () => {
    const texts = seenTexts(drawn(scene, true)).map((text) => text.trim());
    const wanted = podsOf(scene).flatMap(({ addresses, hostEnd, hostPorts, problems, facts }) => [
      ...[hostEnd, ...addresses, ...hostPorts, ...problems, ...facts].filter((text) => text !== ""),
    ]);
    const ends = [...scene.ways, ...scene.interfaces].flatMap(({ addresses, problems }) => [
      ...addresses,
      ...problems,
    ]);
    const all = texts.join("\n");
    expect([...wanted, ...ends, ...scene.problems].filter((text) => !all.includes(text))).toEqual([]);
    expect(podsOf(scene).filter(({ name }) => !texts.includes(name))).toEqual([]);
  });

  test("it is whole in itself, and says in words what it is", () => {
    const text = svgOf(scene, { isWhole: false });
    expect(text).not.toMatch(/<script|<foreignObject|<image|href|url\(|@import|@font-face|\son\w+=/i);
    expect(text.match(/https?:[^"]*/g)).toEqual(["http://www.w3.org/2000/svg"]);
    const [title, desc] = svg.children;
    expect([title?.tag, desc?.tag]).toEqual(["title", "desc"]);
    expect(svg.attributes["aria-labelledby"]).toBe(`${title?.attributes["id"]} ${desc?.attributes["id"]}`);
    expect(title?.text).toBe("The network of node worker-1");
    const problems = [...scene.problems, ...podsOf(scene).flatMap((pod) => pod.problems)];
    expect(problems.filter((problem) => desc?.text.includes(problem) !== true)).toEqual([]);
  });
});

test("pods that are not drawn are counted, and each has a tile with its name", () => {
  const svg = drawn(SCENES["250 pods"]!);
  expect(seenTexts(svg)).toContain("245 more pods, 10.222.0.5 to 10.222.0.249network pods");
  const tiles = everyElement(svg).filter(({ attributes }) => attributes["class"] === "tile");
  expect(tiles).toHaveLength(245);
  expect(tiles[0]?.text).toBe("default/web-3  eth0  10.222.0.5  veth00000000003");
});

test("a broken pod is red with its sentence, and no other is", () => {
  const svg = drawn(sceneWith([bridgeWith([brokenPod(1), podNumber(2)])]));
  const groups = everyElement(svg).filter(({ tag, children }) => tag === "g" && children[0]?.tag === "title");
  const isRed = ({ children }: SvgElement): boolean =>
    children.some(({ attributes }) => attributes["class"] === "wrong");
  expect(groups.map((group) => [group.children[0]?.text.split(" ")[0], isRed(group)])).toEqual([
    ["default/web-1", true],
    ["default/web-2", false],
  ]);
  expect(groups[0]?.text).toContain("the host's end of its veth pair is down");
});

test("names with markup are text", () => {
  const name = `</text><script>alert("1")</script>&amp;']]>`;
  const scene = sceneWith(
    [
      bridgeWith(
        [podNumber(1, { name, interface: "<b>", hostEnd: '"&<', facts: [name], problems: [name] })],
        { title: name },
      ),
    ],
    { node: name, problems: [name], interfaces: [] },
  );
  const svg = drawn(scene);
  expect(
    everyElement(svg).filter(
      ({ tag }) =>
        !["svg", "title", "desc", "style", "rect", "path", "circle", "text", "tspan", "g"].includes(tag),
    ),
  ).toEqual([]);
  expect(seenTexts(svg)).toEqual(expect.arrayContaining([name, "<b>", '"&<']));
});

test.each(Object.entries(SCHEMES))(
  "%s: text has a contrast of 4.5 at least (WCAG 2.1, 1.4.3)",
  (_, colours) => {
    const { page, node, box, bridge, wrongBox, oddBox, text, faint, wrong, odd, inward, outward } = colours;
    const shown: [string, string[]][] = [
      [text, [page, node, box, bridge, wrongBox, oddBox]],
      [faint, [node, box, bridge, wrongBox, oddBox]],
      [wrong, [node, box, bridge, wrongBox]],
      [odd, [page, box]],
      [inward, [page, box]],
      [outward, [page, box]],
    ];
    const poor = shown.flatMap(([front, backs]) =>
      backs.map((back) => [front, back, contrast(front, back)] as const).filter(([, , value]) => value < 4.5),
    );
    expect(poor).toEqual([]);
  },
);

/** The contrast ratio of two colours (WCAG 2.1, "contrast ratio" and "relative luminance"). */
function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
