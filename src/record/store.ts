// The attachment records of a node: /var/lib/cni/pontoon/<network>/<digest>.json, or .intent while an ADD is
// under way, and .stopped when a DEL has told that ADD to stop. They are outside of the lease directory,
// since host-local walks that directory recursively and deletes the files that it finds.

import type { Attachment } from "../attachment/attachment.ts";
import { attachmentDigest } from "../attachment/name.ts";
import { formatRecord, type ParsedRecord, parseRecord } from "../attachment/text.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { textBytes } from "../sys/bytes.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import {
  type DatedText,
  ensureDirectory,
  listDirectory,
  readDatedTextOfAny,
  readTextOfAny,
  removeFile,
  STATE_LIMIT,
} from "../sys/file.ts";
import { fileStatus } from "../sys/status.ts";
import {
  createIntentFile,
  type Intent,
  type IntentPaths,
  isIntentLocked,
  renameIfThere,
  type StoppedAdd,
  stopRunningAdd,
} from "./intent.ts";
import { hasMark, leaveMark, MARKS, RESTORED, removeMark, SHARED } from "./mark.ts";

export const RECORD_ROOT = "/var/lib/cni/pontoon";

const COMPLETE = ".json";
const INTENT = ".intent";
const STOPPED = ".stopped";
/**
 * The endings of records, the most trusted first: an intent counts only when there is no readable complete
 * record.
 */
const ENDINGS = [COMPLETE, INTENT, STOPPED];

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

/** One file in a network's folder. */
interface RecordFile {
  digest: string;
  /** One of ENDINGS. */
  ending: string;
}

export interface RecordList {
  records: Attachment[];
  unreadable: UnreadableRecord[];
}

/** A record, and when its ADD ended. */
export interface DatedRecord {
  attachment: Attachment;
  /** As {@link RecordStore.completedAt} gives it. */
  completedAt: number | undefined;
}

/** Records with their times. */
export interface DatedRecordList {
  records: DatedRecord[];
  unreadable: UnreadableRecord[];
}

/**
 * The records under one root folder. Every method throws SystemError when the system refuses, and nothing
 * else.
 */
export class RecordStore {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Writes the plan of an ADD and locks it; SystemError EBUSY when another ADD of this key is running. */
  createIntent(attachment: Attachment): Intent {
    const paths = this.intentPaths(attachment.key);
    const text = textToKeep(attachment);
    const create = (): Intent => createIntentFile(paths, text);
    try {
      return create();
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw error;
      ensureDirectory(this.directory(attachment.key.network));
      return create();
    }
  }

  /**
   * Adds the answers of a foreign IPAM plugin to an intent. False when a DEL has stopped the ADD, which then
   * rolls back.
   */
  extendIntent(intent: Intent, attachment: Attachment): boolean {
    return intent.extend(textToKeep(attachment));
  }

  /** The record of an attachment, complete or intended; undefined when there is none that can be read. */
  getRecord(key: AttachmentKey): Attachment | undefined {
    return this.getRecordOfDigest(key.network, attachmentDigest(key));
  }

  /**
   * The record of an attachment, by the attachment's digest; undefined when there is none that can be read.
   */
  getRecordOfDigest(network: string, digest: string): Attachment | undefined {
    if (!isDigest(digest)) return undefined;
    for (const ending of ENDINGS) {
      const parsed = readRecord(`${this.directory(network)}/${digest}${ending}`);
      if (parsed?.state === "record" && attachmentDigest(parsed.attachment.key) === digest)
        return parsed.attachment;
    }
    return undefined;
  }

  /** The file of a later Pontoon in the place of an attachment's record; undefined when there is none. */
  findUnknownVersion(key: AttachmentKey): UnreadableRecord | undefined {
    for (const ending of ENDINGS) {
      const path = this.base(key) + ending;
      const parsed = readRecord(path);
      if (parsed?.state === "unknownVersion") return unreadable(attachmentDigest(key), path, parsed);
    }
    return undefined;
  }

  /** True when the attachment has any file in the place of its record, readable or not. */
  hasRecord(key: AttachmentKey): boolean {
    const base = this.base(key);
    // The order matters: a file that is renamed meanwhile is not missed.
    return (
      fileStatus(base + INTENT) !== undefined ||
      fileStatus(base + COMPLETE) !== undefined ||
      fileStatus(base + STOPPED) !== undefined
    );
  }

  /** True when the ADD of this attachment ended well. */
  isComplete(key: AttachmentKey): boolean {
    return this.completedAt(key) !== undefined;
  }

  /** The time when the ADD of this attachment ended, in milliseconds since 1970; undefined before that. */
  completedAt(key: AttachmentKey): number | undefined {
    return fileStatus(this.base(key) + COMPLETE)?.modified;
  }

  /** True when an ADD of this attachment is alive right now, even one that was told to stop. */
  isAddRunning(key: AttachmentKey): boolean {
    return this.isAddOfDigestRunning(key.network, attachmentDigest(key));
  }

  /**
   * True when the ADD of the attachment with this digest is alive right now, even one that was told to stop.
   */
  isAddOfDigestRunning(network: string, digest: string): boolean {
    if (!isDigest(digest)) return false;
    const base = `${this.directory(network)}/${digest}`;
    return isIntentLocked(base + INTENT) || isIntentLocked(base + STOPPED);
  }

  /**
   * Tells the running ADD of this attachment to stop: it finds its intent gone and undoes its work. Undefined
   * when no ADD is running.
   */
  stopAdd(key: AttachmentKey): StoppedAdd | undefined {
    return stopRunningAdd(this.intentPaths(key));
  }

  /**
   * Every record of a network, and every unreadable file in the place of one. None when the network has no
   * folder.
   */
  listRecords(network: string): RecordList {
    const { records, unreadable } = this.listDatedRecords(network);
    return { records: records.map(({ attachment }) => attachment), unreadable };
  }

  /** What {@link RecordStore.listRecords} gives, with the time when each ADD ended. */
  listDatedRecords(network: string): DatedRecordList {
    const list: DatedRecordList = { records: [], unreadable: [] };
    const seen = new Set<string>();
    const directory = this.directory(network);
    for (const file of recordFiles(listDirectory(directory)))
      if (!seen.has(file.digest) && addTo(list, file, directory)) seen.add(file.digest);
    return list;
  }

  /** True when `wanted` holds for a record of the network, as {@link findRecordLike}. */
  hasRecordLike(network: string, wanted: (attachment: Attachment) => boolean): boolean {
    return this.findRecordLike(network, wanted) !== undefined;
  }

  /**
   * The first record of the network, complete or intended, for which `wanted` holds; no other is read behind
   * it. Undefined when there is none.
   */
  findRecordLike(network: string, wanted: (attachment: Attachment) => boolean): Attachment | undefined {
    const directory = this.directory(network);
    for (const name of listDirectory(directory)) {
      if (!ENDINGS.some((ending) => digestOfName(name, ending) !== undefined)) continue;
      const parsed = readRecord(`${directory}/${name}`);
      if (parsed?.state === "record" && wanted(parsed.attachment)) return parsed.attachment;
    }
    return undefined;
  }

  /**
   * Removes the record of an attachment, complete or intended, readable or not. True when there was one. The
   * mark that other attachments wait for host ports goes with the ports ({@link removeSharedMark}).
   */
  removeRecord(key: AttachmentKey): boolean {
    return removeAll(this.base(key));
  }

  /**
   * Removes the record of the attachment with this digest, readable or not, with all marks beside it: nothing
   * of the attachment is left on the node. True when there was one.
   */
  removeRecordOfDigest(network: string, digest: string): boolean {
    if (!isDigest(digest)) return false;
    const base = `${this.directory(network)}/${digest}`;
    const wasThere = removeAll(base);
    removeMark(base, SHARED);
    return wasThere;
  }

  /** Marks an attachment that a DEL has begun to remove: its record is as that of an ADD that was stopped. */
  markLeaving(key: AttachmentKey): void {
    const { complete, stopped } = this.intentPaths(key);
    renameIfThere(complete, stopped);
  }

  /** Leaves a mark beside the record, before rules of this attachment are put back. */
  markRestored(key: AttachmentKey): void {
    leaveMark(this.base(key), RESTORED);
  }

  /** True when rules of this attachment were put back. */
  hasRestoredMark(key: AttachmentKey): boolean {
    return hasMark(this.base(key), RESTORED);
  }

  /**
   * Removes the mark of an attachment without a record. A mark beside a record stays until the record goes:
   * the DEL has to know of every restore that put rules back.
   */
  removeStrayMark(key: AttachmentKey): void {
    if (!this.hasRecord(key)) removeMark(this.base(key), RESTORED);
  }

  /**
   * Leaves a mark beside the record that another attachment of the container waits for host ports. Nothing
   * where there is no record.
   */
  markShared(key: AttachmentKey): void {
    if (this.hasRecord(key)) leaveMark(this.base(key), SHARED);
  }

  /** True when another attachment of the container waits for host ports. */
  hasSharedMark(key: AttachmentKey): boolean {
    return hasMark(this.base(key), SHARED);
  }

  /** Removes the mark: the attachment has no host ports any more. */
  removeSharedMark(key: AttachmentKey): void {
    removeMark(this.base(key), SHARED);
  }

  /** Removes the marks of a network that have no record beside them: a call may have been killed. */
  removeStrayMarks(network: string): void {
    const directory = this.directory(network);
    for (const name of listDirectory(directory)) {
      const digest = digestOfMark(name);
      if (
        digest !== undefined &&
        !ENDINGS.some((ending) => fileStatus(`${directory}/${digest}${ending}`) !== undefined)
      )
        removeFile(`${directory}/${name}`);
    }
  }

  /**
   * Removes a damaged record that nothing refers to any more. A record of a later Pontoon stays. True when it
   * was removed.
   */
  removeDamaged({ path, reason }: UnreadableRecord): boolean {
    return reason === "damaged" && removeFile(path);
  }

  /** True for an intent without a text: its ADD died before it did anything else. */
  isUnwritten({ path }: UnreadableRecord): boolean {
    const status = path.endsWith(INTENT) ? fileStatus(path) : undefined;
    return status?.kind === "file" && status.size === 0;
  }

  /** The folder of a network's records. SystemError EINVAL for a name that would lead elsewhere. */
  directory(network: string): string {
    if (network === "" || network.startsWith(".") || network.includes("/"))
      throw new SystemError(`use network name ${JSON.stringify(network)}`, errnoOf("EINVAL"));
    return `${this.root}/${network}`;
  }

  private base(key: AttachmentKey): string {
    return `${this.directory(key.network)}/${attachmentDigest(key)}`;
  }

  private intentPaths(key: AttachmentKey): IntentPaths {
    const base = this.base(key);
    return { intent: base + INTENT, complete: base + COMPLETE, stopped: base + STOPPED };
  }
}

/** The store of this node; tests name another root. Nothing is made on disk before the first record. */
export function openRecordStore(root = RECORD_ROOT): RecordStore {
  return new RecordStore(root);
}

/**
 * The text of a record that can be read again: a longer one than is read would be a damaged record, and its
 * DEL would not know what to take away. Throws SystemError EFBIG.
 */
function textToKeep(attachment: Attachment): string {
  const text = formatRecord(attachment);
  // A character is at most three bytes of UTF-8, so a short text needs no count.
  if (text.length * 3 < STATE_LIMIT || textBytes(text).length < STATE_LIMIT) return text;
  throw new SystemError("write the record", errnoOf("EFBIG"), "too much belongs to one attachment");
}

function removeAll(base: string): boolean {
  const intended = removeFile(base + INTENT);
  const stopped = removeFile(base + STOPPED);
  const completed = removeFile(base + COMPLETE);
  // The mark goes last: a restore takes its mark away where it finds no record.
  removeMark(base, RESTORED);
  return completed || intended || stopped;
}

/** The networks that have records. A name with a leading dot is no network's folder. Throws SystemError. */
export function listRecordedNetworks(): string[] {
  return listDirectory(RECORD_ROOT).filter((name) => !name.startsWith("."));
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
function readRecord(path: string): ParsedRecord | undefined {
  const text = readTextOfAny(path);
  return parseText(path, text === undefined ? undefined : { text });
}

function parseText(path: string, read: Pick<DatedText, "text"> | undefined): ParsedRecord | undefined {
  if (read !== undefined) return parseRecord(read.text);
  return fileStatus(path) === undefined ? undefined : { state: "damaged" };
}

function unreadable(digest: string, path: string, parsed: ParsedRecord): UnreadableRecord {
  return parsed.state === "unknownVersion"
    ? { digest, path, reason: "unknownVersion", version: parsed.version }
    : { digest, path, reason: "damaged" };
}

/** The files of records among these names, the most trusted ending first. */
function recordFiles(names: readonly string[]): RecordFile[] {
  const files = ENDINGS.map((): RecordFile[] => []);
  for (const name of names) {
    const [digest, ending] = [name.slice(0, 32), name.slice(32)];
    const ofEnding = files[ENDINGS.indexOf(ending)];
    ofEnding?.push({ digest, ending });
  }
  return files.flat();
}

/** The digest in the name of a record's file; undefined for every other file. */
function digestOfName(name: string, ending: string): string | undefined {
  if (!name.endsWith(ending) || name.length !== 32 + ending.length) return undefined;
  const digest = name.slice(0, 32);
  return isDigest(digest) ? digest : undefined;
}

/** The digest in the name of a mark; undefined for every other file. */
function digestOfMark(name: string): string | undefined {
  for (const mark of MARKS) {
    const digest = digestOfName(name, mark);
    if (digest !== undefined) return digest;
  }
  return undefined;
}

function isDigest(text: string): boolean {
  return /^[0-9a-f]+$/.test(text);
}
