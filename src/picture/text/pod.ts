// The rows of text in a pod's box: its name, interface, addresses and host ports, and what there is to say.
import { cut, type Style } from "../../terminal/terminal.ts";
import { wrapped } from "../../terminal/wrap.ts";
import type { Pod } from "../scene.ts";
import { flow, type Line, padded, type Span, span } from "./line.ts";

/** The widths of the columns of pods that stand below each other; 0 for one that is not needed. */
export type Columns = readonly [name: number, end: number, address: number, hostPort: number];

const GAP = 2;
const INDENT = span(" ".repeat(GAP));

/** The columns that these pods need. */
export function columnsOf(pods: readonly Pod[]): Columns {
  return [
    longest(pods.map(({ name }) => name)),
    longest(pods.map((pod) => pod.interface)),
    longest(pods.flatMap(({ addresses }) => addresses)),
    longest(pods.flatMap(({ hostPorts }) => hostPorts.map(arrowText))),
  ];
}

/** The width of a row with these columns. */
export function widthOfColumns(columns: Columns): number {
  return columns.filter((width) => width > 0).reduce((sum, width) => sum + width + GAP, -GAP);
}

/**
 * The content of a pod's box. Where the columns are wider than `width`, host ports stand in rows below, and
 * where that does not suffice, all stands below the name.
 */
export function podLines(pod: Pod, columns: Columns, width: number): Line[] {
  return [
    ...factsAbove(pod, columns, width),
    ...wrapped(pod.facts.join(", "), width, INDENT.text).map((line) => [span(line, "faint")]),
    ...pod.problems.flatMap((sentence) => problemLines(sentence, width)),
  ];
}

/** A sentence about something that is wrong. */
export function problemLines(sentence: string, width: number): Line[] {
  return wrapped(sentence, width, "  ").map((line, at) => [
    span(at === 0 ? `✗ ${line.slice(2)}` : line, "red"),
  ]);
}

function factsAbove(pod: Pod, columns: Columns, width: number): Line[] {
  if (widthOfColumns(columns) <= width) return inColumns(pod, columns);
  const [name, end, address] = columns;
  const fitting = pod.hostPorts.map(portSpan).map((each) => ({ ...each, text: cut(each.text, width - GAP) }));
  const ports = flow(fitting, width - GAP).map((line) => [INDENT, ...line]);
  if (widthOfColumns([name, end, address, 0]) <= width)
    return [...inColumns({ ...pod, hostPorts: [] }, [name, end, address, 0]), ...ports];
  const rest = [pod.interface, ...pod.addresses].map((text) => span(cut(text, width - GAP)));
  return [
    [span(cut(pod.name, width), nameStyle(pod))],
    ...flow(rest, width - GAP).map((line) => [INDENT, ...line]),
    ...ports,
  ];
}

function inColumns(pod: Pod, columns: Columns): Line[] {
  const { name, addresses, hostPorts } = pod;
  const count = Math.max(1, addresses.length, hostPorts.length);
  return Array.from({ length: count }, (_, at): Line => {
    const port = hostPorts[at];
    const cells: Span[] = [
      span(at === 0 ? name : "", nameStyle(pod)),
      span(at === 0 ? pod.interface : ""),
      span(addresses[at] ?? ""),
      port === undefined ? span("") : portSpan(port),
    ];
    const needed = cells.flatMap((cell, place) =>
      columns[place] === 0 ? [] : { cell, width: columns[place] ?? 0 },
    );
    return needed.flatMap(({ cell, width }, place) =>
      padded([cell], place < needed.length - 1 ? width + GAP : 0),
    );
  });
}

function portSpan(mapping: string): Span {
  return span(arrowText(mapping), "green");
}

function arrowText(mapping: string): string {
  return `◀ ${mapping}`;
}

function nameStyle({ state, problems }: Pod): Style {
  if (problems.length > 0 || state === "wrong") return "red";
  if (state === "starting" || state === "odd") return "yellow";
  return state === "foreign" || state === "free" ? "faint" : "bold";
}

function longest(texts: readonly string[]): number {
  return texts.reduce((most, { length }) => Math.max(most, length), 0);
}
