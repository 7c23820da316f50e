// Marks beside a record: empty files by which one call leaves word for another. Functions throw SystemError.
import { O_CREAT, O_NOFOLLOW, O_WRONLY, removeFile, writeText } from "../sys/file.ts";
import { fileStatus } from "../sys/status.ts";

/** Rules of the attachment were put back by a restore. */
export const RESTORED = ".restored";
/** Another attachment of the container waits for host ports that this one holds. */
export const SHARED = ".shared";
/** The endings of all marks. */
export const MARKS = [RESTORED, SHARED] as const;
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
