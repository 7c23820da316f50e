// The files in a network's folder of records: their names, and the attachment that a file tells. Functions
// that read throw SystemError.
import type { Attachment } from "../attachment/attachment.ts";
import { attachmentDigest } from "../attachment/name.ts";
import { type ParsedRecord, parseRecord } from "../attachment/text.ts";
import { type DatedText, listDirectory, readDatedTextOfAny, readTextOfAny } from "../sys/file.ts";
import { fileStatus } from "../sys/status.ts";

/** The ending of a complete record. */
export const COMPLETE = ".json";
/** The ending of an intent, whose ADD is under way or was killed. */
export const INTENT = ".intent";
/** The ending of the intent of an ADD that was told to stop. */
export const STOPPED = ".stopped";
/**
 * The endings of records, the most trusted first: an intent counts only when there is no readable complete
 * record.
 */
export const ENDINGS = [COMPLETE, INTENT, STOPPED];

/**
 * A file in the place of a record that cannot be used. `damaged`: torn or altered. `unknownVersion`: a later
 * Pontoon wrote it, and it is left alone.
 */
export interface UnreadableRecord {
  digest: string;
  path: string;
  reason: "damaged" | "unknownVersion";
  /** The version that the file says, where it is unknown, as in ParsedRecord. */
  version?: string | undefined;
}

/** The characters of an attachment's digest, with which the name of each of its files begins. */
const DIGEST_LENGTH = 32;

/** One file in a network's folder. */
interface RecordFile {
  digest: string;
  /** One of ENDINGS. */
  ending: string;
}

/** A record, and when its ADD ended. */
export interface DatedRecord {
  attachment: Attachment;
  /** Milliseconds since 1970; undefined before the ADD has ended. */
  completedAt: number | undefined;
}

/** Records with their times. */
export interface DatedRecordList {
  records: DatedRecord[];
  unreadable: UnreadableRecord[];
}

/** Every record in a folder, and every unreadable file in the place of one. None without a folder. */
export function listFolder(directory: string): DatedRecordList {
  const list: DatedRecordList = { records: [], unreadable: [] };
  const seen = new Set<string>();
  for (const file of recordFiles(listDirectory(directory)))
    if (!seen.has(file.digest) && addTo(list, file, directory)) seen.add(file.digest);
  return list;
}

/** Puts one file of a folder into its part of `list`; true when it is a record. */
function addTo(list: DatedRecordList, { digest, ending }: RecordFile, directory: string): boolean {
  const base = `${directory}/${digest}`;
  const found = readDated(base, ending);
  if (found === undefined) return false;
  const { parsed, completedAt } = found;
  if (parsed.state === "record" && attachmentDigest(parsed.attachment.key) === digest) {
    list.records.push({ attachment: parsed.attachment, completedAt });
    return true;
  }
  // A file with a name that is no digest is none of Pontoon's.
  if (isDigest(digest)) list.unreadable.push(unreadable(digest, base + ending, parsed));
  return false;
}

/** A record that was read, and when it was completed. */
interface Found {
  parsed: ParsedRecord;
  completedAt: number | undefined;
}

/** The record with an ending; undefined where it has gone since the folder was read. */
function readDated(base: string, ending: string): Found | undefined {
  const dated = readDatedTextOfAny(base + ending);
  const parsed = parseText(base + ending, dated);
  if (parsed !== undefined) return { parsed, completedAt: ending === COMPLETE ? dated?.modified : undefined };
  // An intent that has gone since then may have been renamed.
  if (ending !== INTENT) return undefined;
  return readDated(base, COMPLETE) ?? readDated(base, STOPPED);
}

/**
 * The record at `path`; undefined when there is no file. A folder or a pipe in the place of a record counts
 * as damaged.
 */
export function readRecord(path: string): ParsedRecord | undefined {
  const text = readTextOfAny(path);
  return parseText(path, text === undefined ? undefined : { text });
}

function parseText(path: string, read: Pick<DatedText, "text"> | undefined): ParsedRecord | undefined {
  if (read !== undefined) return parseRecord(read.text);
  return fileStatus(path) === undefined ? undefined : { state: "damaged" };
}

/** The file of a record that cannot be used. */
export function unreadable(digest: string, path: string, parsed: ParsedRecord): UnreadableRecord {
  return parsed.state === "unknownVersion"
    ? { digest, path, reason: "unknownVersion", version: parsed.version }
    : { digest, path, reason: "damaged" };
}

/** The files of records among these names, the most trusted ending first. */
function recordFiles(names: readonly string[]): RecordFile[] {
  const files = ENDINGS.map((): RecordFile[] => []);
  for (const name of names) {
    const [digest, ending] = [name.slice(0, DIGEST_LENGTH), name.slice(DIGEST_LENGTH)];
    const ofEnding = files[ENDINGS.indexOf(ending)];
    ofEnding?.push({ digest, ending });
  }
  return files.flat();
}

/** The digest in the name of a record's file; undefined for every other file. */
export function digestOfName(name: string, ending: string): string | undefined {
  if (!name.endsWith(ending) || name.length !== DIGEST_LENGTH + ending.length) return undefined;
  const digest = name.slice(0, DIGEST_LENGTH);
  return isDigest(digest) ? digest : undefined;
}

/** True for the name of a record's file. */
export function isRecordName(name: string): boolean {
  return ENDINGS.some((ending) => digestOfName(name, ending) !== undefined);
}

/** True for a text that may be an attachment's digest. */
export function isDigest(text: string): boolean {
  return /^[0-9a-f]+$/.test(text);
}
