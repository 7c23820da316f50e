// The findings of a doctor as text and as JSON.
import type { Diagnosis } from "../../doctor/doctor.ts";
import { type Finding, nameOf, networksOf, type Severity } from "../../doctor/finding.ts";
import { type Style, shown, styled, type Terminal } from "../../terminal/terminal.ts";
import { wrapped } from "../../terminal/wrap.ts";
import { counted } from "../text.ts";

/** What is said beside the findings. */
export interface Manner {
  /** What is right is said, too. */
  isVerbose: boolean;
  /** A sentence for each repair; undefined where none was asked for. */
  done: string[] | undefined;
}

const SIGNS: { readonly [Each in Severity]: { sign: string; style: Style } } = {
  error: { sign: "✗", style: "red" },
  warning: { sign: "!", style: "yellow" },
  note: { sign: "·", style: "faint" },
};

/** The report: repairs, then the findings by their subjects, what is right, and the sum. */
export function textOf(diagnosis: Diagnosis, { isVerbose, done }: Manner, terminal: Terminal): string {
  const { content } = diagnosis;
  const { findings, more } = isVerbose ? { findings: diagnosis.findings, more: 0 } : shortened(diagnosis);
  const parts = [
    (done ?? []).map((sentence) => signed({ sign: "✓", style: "green" }, `${sentence}.`, terminal)),
    ...subjectsOf(findings).map((subject) => [
      `${styled(shown(subject), "bold", terminal)}\n`,
      ...findings.filter((each) => each.subject === subject).map((each) => lineOf(each, terminal)),
    ]),
    isVerbose ? content.map((each) => signed({ sign: "✓", style: "green" }, each.content, terminal)) : [],
    more > 0 ? [`  ${counted(more, "further note")}: -v shows them.\n`] : [],
    [sumOf(diagnosis, done)],
  ];
  return parts
    .filter((part) => part.length > 0)
    .map((part) => part.join(""))
    .join("\n");
}

/** So many notes are shown unasked. */
const MOST_NOTES = 10;

/** All faults and the first notes, with the number of the other notes. */
function shortened({ findings }: Diagnosis): { findings: Finding[]; more: number } {
  const notes = findings.filter(({ severity }) => severity === "note");
  const left = new Set(notes.slice(MOST_NOTES));
  return { findings: findings.filter((finding) => !left.has(finding)), more: left.size };
}

/** The subjects, those of errors first, in the order in which they were found. */
function subjectsOf(findings: readonly Finding[]): string[] {
  const rank: readonly Severity[] = ["error", "warning", "note"];
  const inOrder = rank.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
  return [...new Set(inOrder.map(({ subject }) => subject))];
}

/** The lines of a finding. */
export function lineOf(
  { severity, sentence, proof, cure, advice, attachments = [] }: Finding,
  terminal: Terminal,
): string {
  const pods = attachments.map(nameOf);
  const many = pods.length > 1 ? ` (${podsText(pods)})` : "";
  const more = [
    ...(proof === undefined ? [] : paragraph(`${shown(proof)}.`, terminal)),
    ...(cure === undefined ? [] : [`      ${shown(cure)}\n`]),
    ...(advice === undefined ? [] : paragraph(`${shown(advice)}.`, terminal)),
  ];
  return signed(SIGNS[severity], `${shown(sentence)}${many}.`, terminal) + more.join("");
}

/** A sentence behind its sign, in lines that fit. */
export function signed(
  { sign, style }: { sign: string; style: Style },
  sentence: string,
  terminal: Terminal,
): string {
  const lines = wrapped(sentence, terminal.columns, "    ");
  return lines
    .map((line, at) => (at === 0 ? `  ${styled(sign, style, terminal)} ${line.slice(4)}\n` : `${line}\n`))
    .join("");
}

/** A text below a sentence with a sign. */
export function paragraph(text: string, terminal: Terminal): string[] {
  return wrapped(text, terminal.columns, "    ").map((line) => `${line}\n`);
}

function podsText(pods: readonly string[]): string {
  const names = pods.map(shown);
  return names.length <= 3
    ? names.join(", ")
    : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
}

function sumOf({ findings, blind, attachments }: Diagnosis, done: string[] | undefined): string {
  const counts = (["error", "warning", "note"] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [counted(count, severity)];
  });
  const networks = new Set(attachments.map(({ attachment }) => attachment.key.network)).size;
  const looked = `${counted(attachments.length, "attachment")} of ${counted(networks, "network")}`;
  const faults = findings.filter(({ severity }) => severity !== "note");
  if (blind.length > 0) counts.push(`${counted(blind.length, "examination")} could not look`);
  else if (faults.length === 0) counts.push("nothing is wrong");
  const repairable = faults.filter(({ isRepairable }) => isRepairable === true).length;
  const hint =
    repairable > 0 && done === undefined
      ? `"pontoon doctor --repair" mends ${repairable === faults.length ? "all of it" : `${repairable} of these`}.\n`
      : "";
  return `${looked}: ${counts.join(", ")}.\n${hint}`;
}

/** The report for programs; docs/doctor.md describes it. */
export function jsonOf(
  { findings, content, blind, attachments }: Diagnosis,
  done: string[] | undefined,
): unknown {
  return {
    attachments: attachments.length,
    findings: findings.map(findingJson),
    content: content.map(({ name }) => name),
    blind: blind.map(({ name, error }) => ({ examination: name, reason: error.message })),
    ...(done === undefined ? {} : { repaired: done }),
  };
}

/** A finding for programs; docs/doctor.md describes it. */
export function findingJson(finding: Finding): Record<string, unknown> {
  return {
    code: finding.code,
    subject: finding.subject,
    severity: finding.severity,
    sentence: finding.sentence,
    proof: finding.proof,
    cure: finding.cure,
    advice: finding.advice,
    repairable: finding.isRepairable === true,
    pods: (finding.attachments ?? []).map(nameOf),
    networks: networksOf(finding),
  };
}
