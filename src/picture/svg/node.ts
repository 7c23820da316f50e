// The node in the picture: its ways out, and its rules for packets that pass.
import type { HostPort, Interface, Scene, Way } from "../scene.ts";
import { COLUMN, COLUMNS, columnAt, columnsWidth, LEFT, PADDING, PADDING_TOP, TRUNK } from "./grid.ts";
import { fitted } from "./measure.ts";
import { alarm, arrow, box, line } from "./shape.ts";
import { drawText, flowed, heightOf, type Paragraph, type Piece, sentence } from "./text.ts";

/** A part of the picture, and where it ends. */
export interface Part {
  parts: string[];
  end: number;
}

/** The row of the node's name. */
const TITLE = 34;
const WAY_GAP = 18;
/** So many host ports are named. */
const MOST_PORTS = 6;

/**
 * The node down to its rules. `world` is the lower border of the world, `top` the upper one of the node's
 * frame.
 */
export function drawNode(scene: Scene, { world, top }: { world: number; top: number }): Part {
  const ways = drawWays(scene.ways, { world, top: top + TITLE });
  const rulesTop = ways.end + WAY_GAP;
  const rules = drawRules(scene, rulesTop);
  const name = fitted(`node ${scene.node}`, "title", COLUMN - 2 * TRUNK);
  return {
    parts: [
      ...ways.parts,
      ...drawFlows(scene, { world, rulesTop }),
      drawText([{ rows: [[{ text: name, writing: "title" }]] }], LEFT + 2 * TRUNK, top + PADDING_TOP),
      ...rules.parts,
    ],
    end: rules.end,
  };
}

function drawWays(ways: readonly Way[], { world, top }: { world: number; top: number }): Part {
  const placed = ways.map((way) => interfaceText(way, COLUMN - 2 * PADDING));
  const height = Math.max(0, ...placed.map((text) => heightOf(text) + 2 * PADDING_TOP));
  const parts = ways.flatMap(({ gateways, problems }, at) => {
    const x = columnAt(at);
    const frame = { x, y: top, width: COLUMN, height };
    const labels: Paragraph = flowed(
      [{ text: `gateway ${gateways.join(", ")}`, writing: "small", style: "faint" }],
      COLUMN - 30,
    );
    const trunk = x + TRUNK;
    return [
      line([
        [trunk, world],
        [trunk, top],
      ]),
      gateways.length === 0 ? "" : drawText([labels], x + 2 * TRUNK, world + 14),
      box(frame, problems.length > 0 ? "wrong" : "box"),
      drawText(placed[at] ?? [], x + PADDING, top + PADDING_TOP),
      problems.length > 0 ? alarm([x + COLUMN - 14, top + 14]) : "",
      line([
        [trunk, top + height],
        [trunk, top + height + WAY_GAP],
      ]),
    ];
  });
  if (ways.length > 0) return { parts, end: top + height };
  const missing = drawText([sentence("no default route", "yellow", COLUMN)], LEFT + 2 * TRUNK, world + 14);
  return {
    parts: [
      line(
        [
          [LEFT + TRUNK, world],
          [LEFT + TRUNK, top],
        ],
        "dash",
      ),
      missing,
    ],
    end: top - WAY_GAP,
  };
}

/** An interface in rows of text. */
export function interfaceText(
  { name, kind, addresses, mtu, isUp, problems }: Interface,
  width: number,
): Paragraph[] {
  const pieces: Piece[] = [
    { text: name, writing: "title", style: problems.length > 0 ? "red" : undefined },
    { text: kind, writing: "small", style: "faint" },
    { text: `mtu ${mtu}`, writing: "small", style: "faint" },
    { text: isUp ? "" : "down", writing: "small", style: "yellow" },
  ];
  return [
    flowed(pieces, width),
    ...addresses.map((text) => flowed([{ text, writing: "code" }], width)),
    ...problems.map((problem) => sentence(problem, "red", width)),
  ];
}

/** The arrows of packets that leave with the node's address, and of those that come by host ports. */
function drawFlows(
  { ways, masquerades, hostPorts }: Scene,
  { world, rulesTop }: { world: number; rulesTop: number },
): string[] {
  const isNarrow = ways.length > 1;
  const out = columnAt(isNarrow ? 2 : 1) + TRUNK;
  const inward = isNarrow ? out + COLUMN / 2 : columnAt(2) + TRUNK;
  const label = (text: string, style: string, x: number): string =>
    drawText([{ rows: [[{ text, writing: "small", style }]] }], x + TRUNK, world + 14);
  return [
    ...(masquerades.length === 0
      ? []
      : [arrow(out, [rulesTop, world + 2], "out"), label("masqueraded", "out", out)]),
    ...(hostPorts.length === 0
      ? []
      : [arrow(inward, [world + 2, rulesTop - 1], "in"), label(portCount(hostPorts.length), "in", inward)]),
  ];
}

function portCount(count: number): string {
  return `${count} host port${count === 1 ? "" : "s"}`;
}

/** The rules of the node in a box of three columns, and the problems of the node itself below. */
function drawRules(scene: Scene, y: number): Part {
  const { forwarding, masquerades, hostPorts, problems } = scene;
  const width = COLUMN - PADDING;
  const columns: Paragraph[][] = [
    [cap("FORWARDING"), ...forwarding.map((each) => sentence(each, "", width))],
    [
      cap("MASQUERADING"),
      ...(masquerades.length === 0 ? [none()] : masquerades.flatMap((each) => masqueradeText(each, width))),
    ],
    [cap("HOST PORTS"), ...(hostPorts.length === 0 ? [none()] : portText(hostPorts, width))],
  ];
  const height = Math.max(...columns.map(heightOf)) + 2 * PADDING_TOP;
  const full = columnsWidth(COLUMNS);
  const parts = [
    box({ x: LEFT, y, width: full, height }, "box"),
    ...columns.map((column, at) => drawText(column, columnAt(at) + PADDING, y + PADDING_TOP)),
  ];
  if (problems.length === 0) return { parts, end: y + height };
  const text = problems.map((problem) => sentence(problem, "red", full - 4 * PADDING));
  const frame = { x: LEFT, y: y + height + 12, width: full, height: heightOf(text) + 2 * PADDING_TOP };
  return {
    parts: [
      ...parts,
      box(frame, "wrong"),
      drawText(text, LEFT + PADDING, frame.y + PADDING_TOP),
      alarm([LEFT + full - 14, frame.y + 14]),
    ],
    end: frame.y + frame.height,
  };
}

function cap(text: string): Paragraph {
  return { rows: [[{ text, writing: "small", style: "cap faint" }]] };
}

function none(): Paragraph {
  return { rows: [[{ text: "none", writing: "small", style: "faint" }]] };
}

function masqueradeText({ network, as }: Scene["masquerades"][number], width: number): Paragraph[] {
  const title: Piece = { text: `network ${network} as`, writing: "label" };
  const addresses: Piece[] =
    as.length === 0
      ? [{ text: "an address of the node", writing: "label" }]
      : as.map((text) => ({ text, writing: "code", style: "out" }));
  const inOne = flowed([title, ...addresses], width);
  return inOne.rows.length === 1 ? [inOne] : [flowed([title], width), flowed(addresses, width)];
}

function portText(hostPorts: readonly HostPort[], width: number): Paragraph[] {
  const named = hostPorts.length > MOST_PORTS ? hostPorts.slice(0, MOST_PORTS - 1) : hostPorts;
  const rest = hostPorts.length - named.length;
  return [
    ...named.map(({ mapping, pod }) =>
      flowed(
        [
          { text: mapping.replace("->", "→"), writing: "code", style: "in" },
          { text: pod, writing: "label" },
        ],
        width,
      ),
    ),
    ...(rest === 0 ? [] : [sentence(`${rest} more`, "faint", width)]),
  ];
}
