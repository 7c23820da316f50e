// The attachment records of a node: /var/lib/cni/pontoon/<network>/<digest>.json, or .intent while an ADD is
// under way, and .stopped when a DEL has told that ADD to stop. They are outside of the lease directory,
// since host-local walks that directory recursively and deletes the files that it finds.

import type { Attachment } from "../attachment/attachment.ts";
import { attachmentDigest } from "../attachment/name.ts";
import { formatRecord } from "../attachment/text.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { textBytes } from "../sys/bytes.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { ensureDirectory, listDirectory, removeFile, STATE_LIMIT } from "../sys/file.ts";
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
import { digestOfMark, hasMark, leaveMark, RESTORED, removeMark, SHARED } from "./mark.ts";
import {
  COMPLETE,
  type DatedRecordList,
  ENDINGS,
  INTENT,
  isDigest,
  isRecordName,
  listFolder,
  readRecord,
  STOPPED,
  type UnreadableRecord,
  unreadable,
} from "./record-file.ts";

/** The folder with a folder of records for each network. */
export const RECORD_ROOT = "/var/lib/cni/pontoon";

/** The records of a network, without their times. */
export interface RecordList {
  records: Attachment[];
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
      const parsed = readRecord(this.baseOfDigest(network, digest) + ending);
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
    const base = this.baseOfDigest(network, digest);
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
    return listFolder(this.directory(network));
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
      if (!isRecordName(name)) continue;
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
    const base = this.baseOfDigest(network, digest);
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

  /** The path of the attachment's files, without an ending. */
  private base(key: AttachmentKey): string {
    return this.baseOfDigest(key.network, attachmentDigest(key));
  }

  private baseOfDigest(network: string, digest: string): string {
    return `${this.directory(network)}/${digest}`;
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
