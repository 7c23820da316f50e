// What a run of the suite found, for a person: a table, then each finding with its smallest case.
import type { Finding, Turn } from "./turn.ts";

/** The lines of a finding that are shown. */
const MOST_LINES = 12;

/**
 * True when a part has a finding that is not known, or was not played at all. With `onlyRepeated` a finding
 * counts when the fresh host found it too.
 */
export function isFailure({ findings, played }: Turn, onlyRepeated: boolean): boolean {
  return (
    played === 0 || findings.some(({ known, repeats }) => known === undefined && (repeats || !onlyRepeated))
  );
}

/** The table and the findings; those of one kind together, by their shortest case. */
export function report(turns: readonly Turn[], seed: number): string {
  const rows = turns.map((turn) => rowOf(turn));
  const findings = turns.flatMap((turn) => turn.findings);
  return [
    table([["part", "played", "of", "calls", "findings", "known", "seconds"], ...rows]),
    ...turns.map(
      ({ part, slowest: [ms, name] }) => `slowest of ${part.name}: ${name}, ${(ms / 1000).toFixed(1)} s`,
    ),
    ...turns.filter(({ part }) => part.firstWord !== undefined).map(sharesOf),
    ...turns.flatMap(({ part, leftOut }) => leftOut.map((each) => `left out of ${part.name}: ${each}`)),
    ...turns
      .filter(({ played }) => played === 0)
      .map(({ part }) => `not one case of ${part.name} was played: give more seconds`),
    ...kinds(findings).map(shown),
    `seed ${seed}: scripts/test --reliability --seed ${seed} plays the cases in the same order`,
  ].join("\n");
}

function rowOf({ part, played, total, calls, findings, spent }: Turn): string[] {
  const known = findings.filter((finding) => finding.known !== undefined).length;
  return [
    part.name,
    String(played),
    String(total ?? "-"),
    String(calls),
    String(findings.length - known),
    String(known),
    (spent / 1000).toFixed(0),
  ];
}

function sharesOf({ part, shares }: Turn): string {
  return `${part.name} by ${part.firstWord}: ${[...shares].map((share) => share.join(" ")).join(", ")}`;
}

function table(rows: string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const cell = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return rows.map((row) => row.map(cell).join("  ")).join("\n");
}

/** Findings that say the same but for numbers. */
function kinds(findings: readonly Finding[]): Finding[][] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const words = finding.lines.join("\n").replaceAll(/[0-9a-f]{8,}|\d+/g, "N");
    const key = `${finding.part} ${finding.known} ${words}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()];
}

function shown(kind: Finding[]): string {
  const [smallest, ...others] = kind.toSorted((a, b) => sizeOf(a) - sizeOf(b));
  const { part, name, lines, repeats, known } = smallest!;
  const rest = lines.length - MOST_LINES;
  return [
    `\n${known === undefined ? "FINDING" : `known (${known})`}: ${part} ${name}${others.length > 0 ? `, and ${others.length} more like it` : ""}`,
    ...lines.slice(0, MOST_LINES).map((line) => `    ${line.replaceAll("\n", "\n    ")}`),
    ...(rest > 0 ? [`    and ${rest} lines more`] : []),
    ...(repeats
      ? []
      : ["    On a fresh host the same case was content: what was before it, or time, has a share."]),
    `    repeat: scripts/test --reliability ${part} ${name}`,
  ].join("\n");
}

/** Small numbers in a name, as in "sendto 3", and few lines: easy to look at. */
function sizeOf({ name, lines }: Finding): number {
  return lines.length * 1000 + Number(/ (\d+)/.exec(name)?.[1] ?? 0);
}
