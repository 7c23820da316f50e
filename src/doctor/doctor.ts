// The doctor: every examination, and what it found about the attachments that were asked for.

import type { CniError } from "../cni/error.ts";
import { asCniError } from "../failure/failure.ts";
import type { Node } from "../host/node.ts";
import { type Survey, type SurveyedAttachment, takeSurvey } from "../survey/survey.ts";
import { Context, type Folders } from "./context.ts";
import { EXAMINATIONS, type Examination } from "./examination.ts";
import { type Finding, merged } from "./finding.ts";
import { attachmentsMeant } from "./subject.ts";
import { endpointOf, familyOf } from "./trace/endpoint.ts";
import type { Hop, Way } from "./trace/hop.ts";
import { traceWay } from "./trace/trace.ts";

/** What the doctor found. */
export interface Diagnosis {
  findings: Finding[];
  /** The examinations that found nothing. */
  content: Examination[];
  /** Examinations that could not look, each with the reason. */
  blind: { name: string; error: CniError }[];
  /** The attachments that were looked at. */
  attachments: SurveyedAttachment[];
}

/**
 * Examines the node, or the attachments that `word` means; undefined where it means none. Changes nothing. An
 * examination that cannot look stops no other. Throws CniError and SystemError when records or links cannot
 * be read.
 */
export function diagnose(node: Node, folders: Folders, word?: string): Diagnosis | undefined {
  const survey = takeSurvey(node, { withProcesses: false });
  const meant = word === undefined ? undefined : attachmentsMeant(survey, word);
  if (meant?.length === 0) return undefined;
  const asked = meant && new Set(meant);
  return examineAll(new Context({ node, survey }, folders, asked));
}

/**
 * Examines all of the node that a survey has seen; the pods from inside only where `looksInside`, which costs
 * more than all else. An examination that cannot look stops no other.
 */
export function diagnoseAll(
  { node, survey }: { node: Node; survey: Survey },
  folders: Folders,
  looksInside = true,
): Diagnosis {
  const context = new Context({ node, survey }, folders, undefined);
  context.looksInside = looksInside;
  return examineAll(context);
}

function examineAll(context: Context): Diagnosis {
  const { survey, asked } = context;
  const attachments = asked === undefined ? survey.attachments : [...asked];
  const diagnosis: Diagnosis = { findings: [], content: [], blind: [], attachments };
  for (const examination of EXAMINATIONS) run(examination, context, diagnosis);
  diagnosis.findings = merged(diagnosis.findings);
  return diagnosis;
}

/** A way that was traced. */
export interface Trace extends Way {
  hops: Hop[];
}

/**
 * Traces a way between two ends, each a word of a person. Changes nothing. Throws CniError for a word that
 * means nothing, and SystemError.
 */
export function trace(node: Node, folders: Folders, [fromWord, toWord]: readonly [string, string]): Trace {
  const survey = takeSurvey(node, { withProcesses: false });
  const family = familyOf([fromWord, toWord], survey);
  const from = endpointOf(fromWord, survey, family);
  const to = endpointOf(toWord, survey, family);
  const asked = new Set([from, to].flatMap(({ one }) => one ?? []));
  const way = { from, to, family };
  return { ...way, hops: traceWay(way, new Context({ node, survey }, folders, asked)) };
}

function run(examination: Examination, context: Context, { findings, content, blind }: Diagnosis): void {
  try {
    const found = examination.examine(context).filter((finding) => concerns(finding, context.asked));
    findings.push(...found);
    const error = examination.blind?.(context);
    if (error !== undefined) blind.push({ name: examination.name, error });
    else if (found.length === 0) content.push(examination);
  } catch (error) {
    blind.push({ name: examination.name, error: asCniError(error) });
  }
}

/** True for a finding from which one of the attachments suffers. */
function concerns(
  { attachments, networks }: Finding,
  asked: ReadonlySet<SurveyedAttachment> | undefined,
): boolean {
  if (asked === undefined) return true;
  if (attachments !== undefined) return attachments.some((one) => asked.has(one));
  return (
    networks === undefined || [...asked].some(({ attachment }) => networks.includes(attachment.key.network))
  );
}
