// Files by direct system calls. Every function that meets a refusal throws SystemError; a function that
// expects a refusal, such as a missing file, says what it gives instead.
import { textOf } from "./bytes.ts";
import { check, errnoTable, SystemError } from "./errno.ts";
import { native } from "./native.ts";
import { fileStatus, handleStatus, isMissing, modifiedOf, STATX_SIZE } from "./status.ts";
import { type Reading, readAll, writeAll } from "./stream.ts";

// asm-generic/fcntl.h
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_NOFOLLOW = 0o400000;
export const O_DIRECTORY = 0o200000;
export const O_TMPFILE = 0o20000000 | O_DIRECTORY;

const { EAGAIN, EEXIST, EFBIG, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO } = errnoTable;

/** An open file descriptor that closes at the end of its `using` block. */
export class FileHandle implements Disposable {
  readonly fd: number;
  private open = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Closes the descriptor; a second call does nothing. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    native.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Opens `path`; always close-on-exec. `mode` counts when the file is created. */
export function openFile(path: string, flags: number, mode = 0): FileHandle {
  return new FileHandle(check(native.open(path, flags, mode), `open ${path}`));
}

/** Opens `path`; undefined when it or its folder does not exist. */
export function openFileIfThere(path: string, flags: number): FileHandle | undefined {
  const fd = native.open(path, flags, 0);
  if (isMissing(fd)) return undefined;
  return new FileHandle(check(fd, `open ${path}`));
}

/** Bytes that a file of Pontoon's state may have, so that {@link readTextOfAny} reads it. */
export const STATE_LIMIT = 4 * 1024 * 1024;
/** Bytes that any other file may have. */
const TEXT_LIMIT = 16 * 1024 * 1024;
const ON_DISK: Reading = { limit: TEXT_LIMIT, shortIsLast: true };
const NO_STATUS = new Uint8Array();

/** The whole text of a file on a disk, or of a setting below /proc/sys. */
export function readText(path: string): string {
  const text = native.read_text(path, O_RDONLY, TEXT_LIMIT, NO_STATUS);
  if (typeof text === "number") throw new SystemError(`read ${path}`, -text);
  return text;
}

/**
 * The whole text of the file at a path that a configuration or a person gives: anything may be there, and a
 * pipe or a device is EINVAL at once. Throws SystemError.
 */
export function readFileText(path: string): string {
  using file = openFile(path, O_RDONLY | O_NONBLOCK);
  if (handleStatus(file.fd).kind === "other") throw new SystemError(`read ${path}`, EINVAL, "it is no file");
  return textOf(readAll(file.fd, path, ON_DISK));
}

/** Permission bits of files that we make. */
const OWNER_ONLY = 0o600;

/** Writes `text` to an existing or new file in place (sysctls, hints). Not atomic. */
export function writeText(path: string, text: string, flags = O_WRONLY): void {
  using file = openFile(path, flags, OWNER_ONLY);
  writeAll(file.fd, text, path);
}

/**
 * Writes a new file in the place of what is there, a link included, which is not followed. A reader may see
 * no file, or a part of the text.
 */
export function writeAnew(path: string, text: string): void {
  removeFile(path);
  writeText(path, text, O_WRONLY | O_CREAT | O_EXCL);
}

/** Renames a file, by rename(2). */
export function renameFile(from: string, to: string): void {
  check(native.rename(from, to), `rename ${from} to ${to}`);
}

/** Gives a file another name, by link(2). False when `to` exists already. */
export function linkFile(from: string, to: string): boolean {
  const result = native.link(from, to);
  if (result === -EEXIST) return false;
  check(result, `link ${from} to ${to}`);
  return true;
}

/** Makes `path` a link to `target`, by symlink(2). False when `path` exists already. */
export function linkToFile(target: string, path: string): boolean {
  const result = native.symlink(target, path);
  if (result === -EEXIST) return false;
  check(result, `make ${path} a link to ${target}`);
  return true;
}

/** Removes a file. False when it was not there. */
export function removeFile(path: string): boolean {
  const result = native.unlink(path);
  if (isMissing(result)) return false;
  check(result, `remove ${path}`);
  return true;
}

/** Makes sure that `path` is a folder, with all above it. ENOTDIR when a file is in the way. */
export function ensureDirectory(path: string, mode = 0o755): void {
  const result = native.mkdir(path, mode);
  if (result === -EEXIST) {
    if (fileStatus(path)?.kind === "directory") return;
    throw new SystemError(`make folder ${path}`, ENOTDIR);
  }
  const parent = path.slice(0, path.lastIndexOf("/"));
  if (result !== -ENOENT || parent === "" || parent === path) {
    check(result, `make folder ${path}`);
    return;
  }
  ensureDirectory(parent, mode);
  // Another process may have made the folder meanwhile.
  const second = native.mkdir(path, mode);
  if (second !== -EEXIST) check(second, `make folder ${path}`);
}

/**
 * The names in a folder, in the kernel's order, without `.` and `..`; none when it does not exist. From
 * `enough` names on the rest may be left out.
 */
export function listDirectory(path: string, enough = Number.POSITIVE_INFINITY): string[] {
  using directory = openFileIfThere(path, O_RDONLY | O_DIRECTORY);
  let names: string[] = [];
  if (directory === undefined) return names;
  const buffer = new Uint8Array(32 * 1024);
  for (;;) {
    const count = check(native.getdents64(directory.fd, buffer), `list ${path}`);
    if (count === 0 || names.length >= enough) return names;
    names = names.concat(native.entry_names(buffer.subarray(0, count)));
  }
}

/**
 * The text of the file at a path where any object may be: undefined when there is none, or a folder, a pipe,
 * a loop of links, or more than 4 MiB. Never waits. No permission and a failing disk are errors.
 */
export function readTextOfAny(path: string): string | undefined {
  return readState(path, NO_STATUS);
}

/** The text of a file, and the time of its last change in milliseconds since 1970. */
export interface DatedText {
  text: string;
  modified: number;
}

/** What {@link readTextOfAny} gives, with the time when the file was changed. */
export function readDatedTextOfAny(path: string): DatedText | undefined {
  const text = readState(path, STATUS);
  return text === undefined ? undefined : { text, modified: modifiedOf(STATUS) };
}

/** The status of the file that was read last. */
const STATUS = new Uint8Array(STATX_SIZE);

function readState(path: string, status: Uint8Array): string | undefined {
  const text = native.read_text(path, O_RDONLY | O_NONBLOCK, STATE_LIMIT, status);
  if (typeof text === "string") return text;
  if (NO_TEXT.has(-text)) return undefined;
  throw new SystemError(`read ${path}`, -text);
}

/** The refusals that say that there is no text at a path. */
const NO_TEXT: ReadonlySet<number> = new Set([ENOENT, ENOTDIR, EISDIR, EFBIG, ELOOP, ENXIO, EAGAIN, EINVAL]);
