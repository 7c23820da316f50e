// Marks beside a record: empty files by which one call leaves word for another. Functions throw SystemError.
import { O_CREAT, O_NOFOLLOW, O_WRONLY, removeFile, writeText } from "../sys/file.ts";
import { fileStatus } from "../sys/status.ts";
import { digestOfName } from "./record-file.ts";

/** Rules of the attachment were put back by a restore. */
export const RESTORED = ".restored";
/** Another attachment of the container waits for host ports that this one holds. */
export const SHARED = ".shared";
/** The endings of all marks. */
const MARKS = [RESTORED, SHARED] as const;
/** The ending of a mark. */
export type Mark = (typeof MARKS)[number];

/** Leaves a mark beside the record whose path without its ending is `base`. A link in its place is ELOOP. */
export function leaveMark(base: string, mark: Mark): void {
  writeText(base + mark, "", O_WRONLY | O_CREAT | O_NOFOLLOW);
}

/** True when the mark is there. */
export function hasMark(base: string, mark: Mark): boolean {
  return fileStatus(base + mark) !== undefined;
}

/** Removes the mark, if there is one. */
export function removeMark(base: string, mark: Mark): void {
  removeFile(base + mark);
}

/** The digest in the name of a mark; undefined for every other file. */
export function digestOfMark(name: string): string | undefined {
  for (const mark of MARKS) {
    const digest = digestOfName(name, mark);
    if (digest !== undefined) return digest;
  }
  return undefined;
}
