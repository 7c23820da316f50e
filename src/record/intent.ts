// The plan of an ADD, written before it touches the kernel. The ADD holds the file's lock for as long as it
// lives, so every process can ask whether it still runs; a killed ADD leaves the file without its lock. A DEL
// that tells a running ADD to stop renames the file: the ADD finds its intent gone, and other processes see
// that the ADD is still there. All functions and methods throw SystemError.

import { pause } from "../sys/clock.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import {
  type FileHandle,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  openFile,
  openFileIfThere,
  removeFile,
  renameFile,
} from "../sys/file.ts";
import { lockInPatience, tryLock } from "../sys/flock.ts";
import { fileIdentity, handleStatus, identityOfNamed } from "../sys/status.ts";
import { writeAll } from "../sys/stream.ts";

/** The number of attempts to get a held lock: a process that only asks holds it for microseconds. */
const ASK_AGAIN = 20;
const ASK_AGAIN_MS = 0.1;

/**
 * The names of an attachment's file: while its ADD is under way, when that has ended well, and when a DEL has
 * told it to stop.
 */
export interface IntentPaths {
  intent: string;
  complete: string;
  stopped: string;
}

/** An ADD under way. Closing it at the end of a `using` block gives up the lock and nothing else. */
export class Intent implements Disposable {
  private readonly file: FileHandle;
  private readonly paths: IntentPaths;
  /** Device and inode of the file. */
  private readonly identity: string;

  constructor(file: FileHandle, paths: IntentPaths, identity: string) {
    this.file = file;
    this.paths = paths;
    this.identity = identity;
  }

  /**
   * True while the intent has its name. False when a DEL has told the ADD to stop, or anything else has
   * removed the file: then the place and the addresses may be another attachment's by now, and the ADD has to
   * roll back.
   */
  isWanted(): boolean {
    return fileIdentity(this.paths.intent) === this.identity;
  }

  /**
   * Replaces the text by one that is not shorter, in place; a process that reads meanwhile may see a part of
   * it. False when a DEL has stopped the ADD, which then rolls back.
   */
  extend(text: string): boolean {
    using file = openFileIfThere(this.paths.intent, O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
    if (file === undefined || !this.isWanted()) return false;
    writeAll(file.fd, text, this.paths.intent);
    return true;
  }

  /**
   * Makes the intent the record of the attachment. False when a DEL has stopped the ADD, which then rolls
   * back.
   */
  complete(): boolean {
    return this.isWanted() && renameIfThere(this.paths.intent, this.paths.complete);
  }

  /** Removes the intent, after the ADD has undone its work. */
  abandon(): void {
    if (hasName(this.file)) {
      removeFile(this.paths.intent);
      removeFile(this.paths.stopped);
    }
    this.file.close();
  }

  /**
   * Gives up the lock and keeps the intent, when the ADD could not undo all of its work: the file is that of
   * a killed ADD, so DEL, GC, the next ADD and the sweep of the next boot clear what stayed.
   */
  leave(): void {
    // An ADD that fails after its end, since its answer cannot be printed, is no attachment.
    if (fileIdentity(this.paths.complete) === this.identity)
      renameIfThere(this.paths.complete, this.paths.intent);
    this.file.close();
  }

  [Symbol.dispose](): void {
    this.file.close();
  }
}

/**
 * Writes the intent and takes its lock; the file of a killed ADD is replaced. The folder exists, and no ADD
 * that was told to stop is running. SystemError EBUSY when another ADD of this attachment is running.
 */
export function createIntentFile(paths: IntentPaths, text: string): Intent {
  const path = paths.intent;
  for (let attempt = 0; attempt < ASK_AGAIN; attempt++) {
    const file = createNew(path);
    if (file === undefined) {
      if (isIntentLocked(path)) break;
      removeFile(path);
      continue;
    }
    try {
      // Another process may have held the lock for a moment to ask for it, or removed the file as one without
      // an owner.
      const identity = lockPatiently(file, path) ? identityOfNamed(file.fd) : undefined;
      if (identity === undefined) {
        file.close();
        continue;
      }
      writeAll(file.fd, text, path);
      return new Intent(file, paths, identity);
    } catch (error) {
      removeFile(path);
      file.close();
      throw error;
    }
  }
  throw new SystemError(`create ${path}`, errnoOf("EBUSY"), "another ADD of this attachment is running");
}

/** True when the ADD that wrote the intent at `path` is alive. */
export function isIntentLocked(path: string): boolean {
  using file = openFileIfThere(path, O_RDONLY | O_NONBLOCK);
  return file !== undefined && !lockPatiently(file, path);
}

/** An ADD that was told to stop. */
export interface StoppedAdd {
  /** Waits until the ADD has ended, `timeoutMs` at most; false when it has not. */
  endsWithin(timeoutMs: number): boolean;
}

/**
 * Takes the intent away from an ADD that is running, so that it cannot complete and undoes its work. Gives
 * that ADD, or one that was stopped before; undefined when none is running. An intent without a lock stays.
 */
export function stopRunningAdd({ intent, stopped }: IntentPaths): StoppedAdd | undefined {
  const running = openRunning(intent);
  // A missing file is no error: the ADD has ended just now, or another DEL has stopped it.
  if (running !== undefined) renameIfThere(intent, stopped);
  const file = running ?? openRunning(stopped);
  return file && { endsWithin: (timeoutMs) => lockInPatience(file, intent, timeoutMs) };
}

/** The intent at `path` when its ADD is running. */
function openRunning(path: string): FileHandle | undefined {
  const file = openFileIfThere(path, O_RDONLY | O_NONBLOCK);
  if (file === undefined || !lockPatiently(file, path)) return file;
  file.close();
  return undefined;
}

/** Renames a file. False when it is not there. */
export function renameIfThere(from: string, to: string): boolean {
  try {
    renameFile(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/** Makes a new file; undefined when the path is taken. Links are not followed. */
function createNew(path: string): FileHandle | undefined {
  try {
    return openFile(path, O_RDWR | O_CREAT | O_EXCL, 0o600);
  } catch (error) {
    if (isErrno(error, "EEXIST")) return undefined;
    throw error;
  }
}

function lockPatiently(file: FileHandle, path: string): boolean {
  for (let attempt = 0; attempt < ASK_AGAIN; attempt++) {
    if (tryLock(file, path)) return true;
    pause(ASK_AGAIN_MS);
  }
  return false;
}

/** False when the file was removed. A file that a DEL gave another name still has one. */
function hasName(file: FileHandle): boolean {
  return handleStatus(file.fd).links > 0;
}
