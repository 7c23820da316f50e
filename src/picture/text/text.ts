// The picture as text, for a terminal.
import type { Terminal } from "../../terminal/terminal.ts";
import { wrapped } from "../../terminal/wrap.ts";
import { foldPods } from "../fold.ts";
import { type Interface, isReached, type Scene, type Segment, type Way } from "../scene.ts";
import { behind, boxOf } from "./box.ts";
import { flow, type Line, print, type Span, span, widthOf } from "./line.ts";
import { problemLines } from "./pod.ts";
import { entryOf, type Measures, segmentLines, wishOf } from "./segment.ts";
import { inAscii } from "./sign.ts";

/** The manner of the picture. */
export interface TextManner {
  terminal: Terminal;
  /** Plain ASCII takes the place of box drawing characters. */
  isAscii: boolean;
  /** No pod is left out. */
  isWhole: boolean;
}

/** The widest picture that is made where nothing limits it, and the narrowest one at all. */
const MOST = 120;
const LEAST = 60;
/** The width of the picture where sentences have to be read. */
const READABLE = 80;
/** The columns in front of segments and ways: a blank, the node's line, the branch. */
const MARGIN = 4;
/** The two borders of a box, with their blanks. */
const BORDERS = 4;
/** With more pods than that no border is between them. */
const MOST_AIRY = 8;

/** The picture as whole lines, as wide as it has to be and no wider than the terminal. */
export function textOf(scene: Scene, { terminal, isAscii, isWhole }: TextManner): string {
  const measures = measuresOf(scene, terminal.columns, isWhole);
  const lines = [
    ...wayLines(scene, measures),
    ...nodeLines(scene, measures),
    ...scene.segments.flatMap((segment, at) => [
      spine(scene.segments, at),
      ...behind(segmentLines(segment, measures), marginOf(scene.segments, at)),
    ]),
  ];
  const text = lines.map((line) => `${print(line, terminal)}\n`).join("");
  return isAscii ? inAscii(text) : text;
}

function measuresOf(scene: Scene, columns: number, isWhole: boolean): Measures {
  const wishes = scene.segments.map((segment) => wishOf(segment, isWhole));
  const pods = scene.segments.flatMap(({ networks }) =>
    networks.flatMap((each) => foldPods(each, isWhole).shown),
  );
  const isWordy = pods.some(({ problems }) => problems.length > 0) || scene.problems.length > 0;
  const ways = scene.ways.map(
    (way) => widthOf(interfaceLines(way, Number.POSITIVE_INFINITY)[0] ?? []) + BORDERS,
  );
  const widths = [...wishes.map(({ width }) => width), ...ways];
  const wish = Math.max(isWordy ? READABLE : LEAST, ...widths.map((width) => MARGIN + width));
  const width = Math.min(wish, columns === Number.POSITIVE_INFINITY ? MOST : Math.max(columns, LEAST));
  return {
    width: width - MARGIN,
    label: Math.max(0, ...wishes.map(({ label }) => label)),
    isAiry: pods.length <= MOST_AIRY,
    isWhole,
  };
}

function wayLines({ ways }: Scene, { width }: Measures): Line[] {
  const inner = width - BORDERS;
  const boxes = ways.flatMap((way) =>
    behind(boxOf(interfaceLines(way, inner), inner), {
      row: 1,
      before: " │  ",
      first: " ├──",
      after: " │  ",
    }),
  );
  const none = ways.length === 0 ? [[span(" ┆  "), span("no default route leads there", "yellow")]] : [];
  return [[span(" outside", "bold")], ...none, ...boxes];
}

function interfaceLines(one: Interface | Way, width: number): Line[] {
  const { name, kind, addresses, mtu, isUp, problems } = one;
  const gateways = "gateways" in one ? one.gateways.map((each) => span(`gateway ${each}`, "faint")) : [];
  const facts: Span[] = [
    ...addresses.map((address) => span(address)),
    span(`mtu ${mtu}`, "faint"),
    span(kind, "faint"),
    isUp ? span("") : span("down", "yellow"),
  ];
  return [
    ...flow([span(name, problems.length > 0 ? "red" : "bold"), ...facts, ...gateways], width),
    ...problems.flatMap((sentence) => problemLines(sentence, width)),
  ];
}

/** What the node does with the packets that pass it, and its other interfaces. */
function nodeLines(scene: Scene, { width }: Measures): Line[] {
  const { node, forwarding, masquerades, hostPorts, interfaces, problems } = scene;
  const room = width;
  const lines: Line[] = [
    ...forwarding.flatMap((sentence) => wrapped(sentence, room).map((line) => [span(line)])),
    ...masquerades.flatMap(({ network, as }) => {
      const sentence = `masquerading: network ${network} leaves as ${as.length === 0 ? "an address of the node" : as.join(" or ")}`;
      return wrapped(sentence, room, "  ").map((line, at) => [
        span(at === 0 ? "▲" : " ", "green"),
        span(line.slice(1)),
      ]);
    }),
    ...(hostPorts.length === 0 ? [] : [[span("▼", "green"), span(` host ports: ${hostPorts.length}`)]]),
    ...problems.flatMap((sentence) => problemLines(sentence, room)),
    ...interfaces.flatMap((each) => interfaceLines(each, room)),
  ];
  const tail = hasSpine(scene.segments, 0) ? " │  " : "    ";
  return [
    [span(" │", "faint")],
    [span(hasSpine(scene.segments, 0) ? " ├─ " : " └─ ", "faint"), span(`node ${node}`, "bold")],
    ...lines.map((line): Line => [span(`${tail}`, "faint"), ...line]),
  ];
}

/** True where this segment or a later one is reached by way of the node. */
function hasSpine(segments: readonly Segment[], from: number): boolean {
  return segments.slice(from).some(isReached);
}

function spine(segments: readonly Segment[], at: number): Line {
  return [span(hasSpine(segments, at) ? " │" : "", "faint")];
}

function marginOf(segments: readonly Segment[], at: number): Parameters<typeof behind>[1] {
  const segment = segments[at];
  const before = hasSpine(segments, at) ? " │  " : "    ";
  const after = hasSpine(segments, at + 1) ? " │  " : "    ";
  const reached = after === before ? " ├──" : " └──";
  if (segment === undefined || !isReached(segment)) return { row: 0, before, first: before, after: before };
  return { row: entryOf(segment), before, first: reached, after };
}
