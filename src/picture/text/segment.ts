// A bridge, or another thing that connects pods, and its pods, as lines of text.
import { wrapped } from "../../terminal/wrap.ts";
import { foldPods, foldText } from "../fold.ts";
import { isWrongHead, type Network, type Pod, type Segment } from "../scene.ts";
import { bottomOf, boxOf, dividerOf, rowOf, topOf } from "./box.ts";
import { flow, type Line, type Span, span, widthOf } from "./line.ts";
import { type Columns, columnsOf, podLines, problemLines, widthOfColumns } from "./pod.ts";

/** The measures that all segments of a picture share. */
export interface Measures {
  /** The width of the picture from a segment's left border. */
  width: number;
  /** The width of the interfaces on the node, in front of the pods' boxes. */
  label: number;
  /** There is a border between two pods. */
  isAiry: boolean;
  /** No pod is left out. */
  isWhole: boolean;
}

/** The columns between the left border of a segment and its trunk, and those around a label. */
const TRUNK = 2;
const AROUND_LABEL = 6;
/** The two borders of a box, with their blanks. */
const BORDERS = 4;

/** The width that a segment would like, and the width of its longest label. */
export function wishOf(segment: Segment, isWhole: boolean): { width: number; label: number } {
  const pods = segment.networks.flatMap((network) => foldPods(network, isWhole).shown);
  const label = pods.reduce((most, { hostEnd }) => Math.max(most, hostEnd.length), 0);
  const content = TRUNK + AROUND_LABEL + label + BORDERS + widthOfColumns(columnsOf(pods));
  const [head] = flow(titleOf(segment), Number.POSITIVE_INFINITY);
  return { width: Math.max(content, BORDERS + widthOf(head ?? [])), label };
}

/** The segment; line number {@link entryOf} is where the node's line leads to it. */
export function segmentLines(segment: Segment, measures: Measures): Line[] {
  const { kind, networks } = segment;
  const head = kind === "bridge" ? boxedHead(segment, measures) : plainHead(segment, measures);
  return [
    ...head,
    ...networks.flatMap((network, at) =>
      podsOf(network, { ...measures, kind, isLast: at === networks.length - 1 }),
    ),
  ];
}

/** The number of the line of a segment that the node's line leads to. */
export function entryOf({ kind }: Segment): number {
  return kind === "bridge" ? 1 : 0;
}

/** A bridge is a thing of its own, so it has a box. */
function boxedHead(segment: Segment, { width }: Measures): Line[] {
  const inner = width - BORDERS;
  const lines = [
    ...flow(titleOf(segment), inner),
    ...segment.networks.flatMap((network) => networkLines(network, inner)),
    ...segment.problems.flatMap((sentence) => problemLines(sentence, inner)),
  ];
  return boxOf(lines, inner, segment.networks.length > 0 ? TRUNK : undefined);
}

function plainHead(segment: Segment, { width }: Measures): Line[] {
  const { networks, problems } = segment;
  const [only, ...others] = networks;
  const inner = width - 2;
  const lines = [
    ...flow(
      [...titleOf(segment), ...(only !== undefined && others.length === 0 ? networkTitle(only) : [])],
      inner,
    ),
    ...(others.length === 0 ? [] : networks.flatMap((network) => flow(networkTitle(network), inner))),
    ...[...networks.flatMap((network) => network.problems), ...problems].flatMap((each) =>
      problemLines(each, inner),
    ),
  ];
  return lines.map((line, at) => [span(at === 0 ? " " : "   "), ...line]);
}

function titleOf(segment: Segment): Span[] {
  const { title, addresses, facts } = segment;
  return [
    span(title, isWrongHead(segment) ? "red" : "bold"),
    ...addresses.map((text) => span(text)),
    ...facts.map((fact) => span(fact, "faint")),
  ];
}

function networkTitle({ name, facts, pods }: Network): Span[] {
  if (name === "") return [];
  const count = pods.filter(({ state }) => state !== "free").length;
  return [
    span(`network ${name}`),
    ...[`${count} pod${count === 1 ? "" : "s"}`, ...facts].map((fact) => span(fact, "faint")),
  ];
}

function networkLines(network: Network, inner: number): Line[] {
  return [
    ...flow(networkTitle(network), inner),
    ...network.problems.flatMap((sentence) => problemLines(sentence, inner)),
  ];
}

interface PodManner extends Measures {
  kind: Segment["kind"];
  /** Nothing hangs below these pods. */
  isLast: boolean;
}

/** A box with the rows of one pod, or of those that are not shown. */
interface Block {
  label: string;
  isBroken: boolean;
  lines: Line[];
}

function podsOf(network: Network, manner: PodManner): Line[] {
  const { shown, folded } = foldPods(network, manner.isWhole);
  const columns = columnsOf(shown);
  const inner = manner.width - TRUNK - AROUND_LABEL - manner.label - BORDERS;
  const blocks = shown.map((pod) => blockOf(pod, columns, inner));
  if (folded.length > 0)
    blocks.push({ label: "", isBroken: false, lines: faintLines(`… ${foldText(folded)}`, inner) });
  const lines: Line[] = [];
  for (const [at, block] of blocks.entries()) {
    const trunk = trunkOf(manner, { isFirst: at === 0, isLast: at === blocks.length - 1 });
    if (at === 0) lines.push(beside(trunk.before, manner.label, topOf(inner)));
    else if (manner.isAiry) lines.push(beside(trunk.before, manner.label, dividerOf(inner)));
    for (const [row, line] of block.lines.entries())
      lines.push(
        row === 0
          ? [...branch(trunk.at, block, manner.label), ...rowOf(line, inner, "┤")]
          : beside(trunk.after, manner.label, rowOf(line, inner)),
      );
  }
  const end = trunkOf(manner, { isFirst: false, isLast: true });
  lines.push(beside(end.after, manner.label, bottomOf(inner)));
  return lines;
}

function faintLines(sentence: string, inner: number): Line[] {
  return wrapped(sentence, inner).map((line) => [span(line, "faint")]);
}

function blockOf(pod: Pod, columns: Columns, inner: number): Block {
  const isBroken = pod.problems.length > 0 || pod.state === "wrong";
  return { label: pod.hostEnd, isBroken, lines: podLines(pod, columns, inner) };
}

/** A line in front of which nothing but the trunk stands. */
function beside(trunk: string, label: number, line: Line): Line {
  return [span(`${" ".repeat(TRUNK)}${trunk}${" ".repeat(label + AROUND_LABEL - 1)}`, "faint"), ...line];
}

/** The way from the trunk to a pod: `├─ veth88cf01153c4 ─`. */
function branch(trunk: string, { label, isBroken }: Block, width: number): Line {
  const end = isBroken ? span("✗", "red") : span("─", "faint");
  if (label === "")
    return [span(`${" ".repeat(TRUNK)}${trunk}${"─".repeat(width + AROUND_LABEL - 2)}`, "faint"), end];
  return [
    span(`${" ".repeat(TRUNK)}${trunk}─ `, "faint"),
    span(label),
    span(` ${"─".repeat(width - label.length + 1)}`, "faint"),
    end,
  ];
}

/** The trunk before, at and after a pod's first row. */
function trunkOf(
  { kind, isLast }: PodManner,
  place: { isFirst: boolean; isLast: boolean },
): { before: string; at: string; after: string } {
  switch (kind) {
    case "wire":
      if (place.isFirst)
        return { before: " ", at: place.isLast ? "─" : "┌", after: place.isLast ? " " : "│" };
      return place.isLast ? { before: "│", at: "└", after: " " } : { before: "│", at: "├", after: "│" };
    case "device":
    case "nothing":
      return { before: " ", at: "─", after: " " };
    default:
      return place.isLast && isLast
        ? { before: "│", at: "└", after: " " }
        : { before: "│", at: "├", after: "│" };
  }
}
