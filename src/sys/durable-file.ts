// Files that survive a loss of power, and that other processes may read or start while they are replaced.
import { check, errnoOf } from "./errno.ts";
import {
  type FileHandle,
  linkToFile,
  O_CREAT,
  O_EXCL,
  O_WRONLY,
  openFile,
  removeFile,
  renameFile,
} from "./file.ts";
import { native } from "./native.ts";
import { writeBytes } from "./stream.ts";

/** A file to write: its bytes and its exact permission bits, whatever the umask. */
export interface DurableFile {
  path: string;
  bytes: Uint8Array;
  mode: number;
}

/**
 * Makes `path` hold the bytes. At every moment, also after a kill or a loss of power, a reader finds the old
 * file or the new one, whole, and a program can be started from it. `folder` is the open folder of `path`.
 * `temporary` is a free path in it, which no other process writes meanwhile; a killed call leaves a file
 * there. Throws SystemError, and then leaves none.
 */
export function replaceDurably(file: DurableFile, folder: FileHandle, temporary: string): void {
  try {
    writeNew(file, temporary);
    renameFile(temporary, file.path);
  } catch (error) {
    removeFile(temporary);
    throw error;
  }
  writeFolder(folder, file.path);
}

/** Makes `path` a link to `target`, on the disk; `folder` is its open folder. False when `path` exists. */
export function linkDurably(target: string, path: string, folder: FileHandle): boolean {
  if (!linkToFile(target, path)) return false;
  writeFolder(folder, path);
  return true;
}

function writeFolder(folder: FileHandle, path: string): void {
  const result = native.fsync(folder.fd);
  // EINVAL: some file systems have nothing to write for a folder.
  if (result !== -errnoOf("EINVAL")) check(result, `write the folder of ${path} to the disk`);
}

/** Writes the new file, and closes it: the kernel starts no program that is open for writing. */
function writeNew({ bytes, mode }: DurableFile, temporary: string): void {
  using file = openFile(temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
  writeBytes(file.fd, bytes, temporary);
  check(native.fchmod(file.fd, mode), `set the permissions of ${temporary}`);
  check(native.fsync(file.fd), `write ${temporary} to the disk`);
}
