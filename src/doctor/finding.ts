// The result of an examination: what is wrong, how that was seen, and what mends it.
import { shortContainerId } from "../attachment/name.ts";
import type { SurveyedAttachment } from "../survey/survey.ts";
import type { FindingCode } from "./code.ts";

/**
 * `error`: packets of pods are lost, or a pod is not as its ADD made it. `warning`: it will hurt a pod that
 * comes, or hurts some packets. `note`: worth knowing, and no fault.
 */
export type Severity = "error" | "warning" | "note";

/** A finding. Texts of others in it are as they were found: whoever prints them makes them safe. */
export interface Finding {
  code: FindingCode;
  /** The object that it is about: a pod's name, `network pods`, `bridge cni0`, `this node`. */
  subject: string;
  severity: Severity;
  /** One sentence, without its full stop. */
  sentence: string;
  /** The observation behind it, in words; undefined where the sentence says it. */
  proof?: string | undefined;
  /** A shell command that mends it, for root on the node. */
  cure?: string | undefined;
  /** The way to mend it where no single command does, as a sentence without its full stop. */
  advice?: string | undefined;
  /** True: `pontoon doctor --repair` mends it, too. */
  isRepairable?: boolean;
  /** The attachments that suffer; undefined: those of `networks`, or where that is undefined too, all. */
  attachments?: readonly SurveyedAttachment[] | undefined;
  /** The networks that suffer, by their names. */
  networks?: readonly string[] | undefined;
}

/** The subject of a finding about the whole node. */
export const NODE = "this node";

/** The name of an attachment's pod, or the beginning of its container's id. */
export function nameOf({ attachment: { pod, key } }: SurveyedAttachment): string {
  return pod ?? shortContainerId(key.containerId);
}

/** The names of the networks that suffer from a finding; none where it is about the whole node. */
export function networksOf({ networks, attachments }: Finding): string[] {
  return [...new Set(networks ?? (attachments ?? []).map(({ attachment }) => attachment.key.network))];
}

/**
 * Findings with equal sentences and cures as one, about the network or the node where they are of several
 * pods.
 */
export function merged(findings: readonly Finding[]): Finding[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const { severity, sentence, cure, attachments } = finding;
    const id = attachments === undefined ? `${groups.size}` : `${severity}\0${sentence}\0${cure}`;
    groups.set(id, [...(groups.get(id) ?? []), finding]);
  }
  return [...groups.values()].flatMap((group) => (group.length === 1 ? group : [mergeAll(group)]));
}

function mergeAll(group: readonly Finding[]): Finding {
  const attachments = [...new Set(group.flatMap((finding) => finding.attachments ?? []))];
  const networks = [...new Set(attachments.map(({ attachment }) => attachment.key.network))];
  const subjects = [...new Set(group.map(({ subject }) => subject))];
  const [first] = group;
  const subject =
    subjects.length === 1 ? first!.subject : networks.length === 1 ? `network ${networks[0]}` : NODE;
  return { ...first!, subject, attachments };
}
