// What is wrong on the node, for the picture: sentences with the thing that each is about.

import { diagnoseAll } from "../../doctor/doctor.ts";
import { NODE, nameOf } from "../../doctor/finding.ts";
import type { Node } from "../../host/node.ts";
import { CONFIGURATIONS, EXECUTABLES } from "../../survey/folder.ts";
import type { Survey, SurveyedAttachment } from "../../survey/survey.ts";

/** A sentence about something that is wrong. */
export interface Problem {
  /** The thing in words: `bridge cni0`, `network pods`, the name of an interface, or anything else. */
  subject: string;
  /** Without its full stop. */
  sentence: string;
  /** The attachments that it is about; undefined: it is about the subject. */
  attachments?: readonly SurveyedAttachment[] | undefined;
}

/** Where a runtime looks, for the doctor. */
const FOLDERS = { configurations: CONFIGURATIONS, executables: EXECUTABLES };

/** So many pods at most are looked at from inside: each takes a millisecond or two. */
const MOST_INSIDE = 50;

/**
 * What the doctor finds wrong; beside many pods what the survey shows of them takes the place of a look
 * inside. A note is no fault, and is not drawn.
 */
export function findProblems(node: Node, survey: Survey): Problem[] {
  const looksInside = survey.attachments.length <= MOST_INSIDE;
  const { findings } = diagnoseAll({ node, survey }, FOLDERS, looksInside);
  const found = findings.filter(({ severity }) => severity !== "note");
  return looksInside ? found : [...fromOutside(survey), ...found];
}

function fromOutside({ attachments }: Survey): Problem[] {
  const drifted = attachments.filter(({ state }) => state === "drift");
  return drifted.flatMap((one) =>
    one.problems.map((sentence) => ({ subject: nameOf(one), sentence, attachments: [one] })),
  );
}

/**
 * The problems by what they are about. Each is given out once: {@link rest} has those that nobody asked for.
 */
export class Problems {
  private readonly ofAttachments = new Map<SurveyedAttachment, string[]>();
  private readonly ofSubjects = new Map<string, string[]>();

  constructor(all: readonly Problem[]) {
    for (const { subject, sentence, attachments } of all) {
      if (attachments === undefined) add(this.ofSubjects, subject, sentence);
      else for (const one of attachments) add(this.ofAttachments, one, sentence);
    }
  }

  /** The sentences about an attachment. */
  of(one: SurveyedAttachment): string[] {
    return this.ofAttachments.get(one) ?? [];
  }

  /** The sentences about any of these things. */
  about(...subjects: string[]): string[] {
    return subjects.flatMap((subject) => {
      const sentences = this.ofSubjects.get(subject) ?? [];
      this.ofSubjects.delete(subject);
      return sentences;
    });
  }

  /** The sentences about things that nobody asked for: they are about the node. */
  rest(): string[] {
    return [...this.ofSubjects].flatMap(([subject, sentences]) =>
      sentences.map((sentence) => (subject === NODE ? sentence : `${subject}: ${sentence}`)),
    );
  }
}

function add<Key>(map: Map<Key, string[]>, key: Key, sentence: string): void {
  map.set(key, [...(map.get(key) ?? []), sentence]);
}
