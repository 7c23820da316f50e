// What is wrong on the node, for the picture: sentences with the thing that each is about.
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

/** The subject of a problem of the whole node. */
const NODE = "this node";

/** What the survey of the node shows to be wrong. */
export function findProblems({ attachments, unreadable }: Survey): Problem[] {
  return [
    ...attachments.flatMap((one) =>
      sentencesOf(one).map((sentence) => ({ subject: "pod", sentence, attachments: [one] })),
    ),
    ...unreadable.map(({ path, reason }) => ({
      subject: "record",
      sentence: `${path} is ${reason === "damaged" ? "damaged" : "of a later version"}`,
    })),
  ];
}

function sentencesOf({ state, problems, since }: SurveyedAttachment): string[] {
  if (state !== "dead") return problems;
  const reason =
    since === undefined ? "its ADD was killed, and no DEL came" : "its namespace is gone, and no DEL came";
  return [reason, ...problems];
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
