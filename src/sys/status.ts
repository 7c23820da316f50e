// The status of files by statx(2). Functions throw SystemError.
import { u16At, u32At } from "./bytes.ts";
import { check, errnoTable, SystemError } from "./errno.ts";
import { native } from "./native.ts";

// linux/stat.h, linux/fcntl.h
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const AT_STATX_DONT_SYNC = 0x4000;
const STATX_BASIC_STATS = 0x7ff;
/** The bytes of a struct statx. */
export const STATX_SIZE = 256;
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFSOCK = 0o140000;
const S_IFREG = 0o100000;

const { ELOOP, ENOENT, ENOTDIR } = errnoTable;

/** True when a native function says that there is no such file, or no such folder. */
export const isMissing = (result: number): boolean => result === -ENOENT || result === -ENOTDIR;

/** The status of a file, by statx(2). */
export interface FileStatus {
  kind: "file" | "directory" | "other";
  /** Permission bits. */
  mode: number;
  size: number;
  /** The number of names of the file; 0 when it was removed while a process held it open. */
  links: number;
  /** The time of the last change of the content, in milliseconds since 1970. */
  modified: number;
}

/**
 * The status of `path` (links followed; a loop of links is of kind `other`); undefined when nothing is there.
 */
export function fileStatus(path: string): FileStatus | undefined {
  const bytes = statx(AT_FDCWD, path, 0);
  return bytes && readStatus(bytes);
}

/** The status of an open descriptor. */
export function handleStatus(fd: number): FileStatus {
  const bytes = statx(fd, "", AT_EMPTY_PATH);
  if (bytes === undefined) throw new SystemError(`stat descriptor ${fd}`, 2);
  return readStatus(bytes);
}

/**
 * Device and inode at `path` (links followed); undefined when nothing is there. Two names of one file give
 * one text, and two files that exist at one time never do.
 */
export function fileIdentity(path: string): string | undefined {
  const bytes = statx(AT_FDCWD, path, 0);
  return bytes && readIdentity(bytes);
}

/** Device and inode of an open file, as {@link fileIdentity} has them; undefined when it has no name left. */
export function identityOfNamed(fd: number): string | undefined {
  const bytes = statx(fd, "", AT_EMPTY_PATH);
  return bytes === undefined || readStatus(bytes).links === 0 ? undefined : readIdentity(bytes);
}

/** The identity in a struct statx: stx_ino at 32, stx_dev_major at 136, stx_dev_minor at 140. */
function readIdentity(bytes: Uint8Array): string {
  const words = new Uint32Array(bytes.buffer);
  return `${words[34]}:${words[35]}:${words[9]}:${words[8]}`;
}

/**
 * The inode of the socket that a name below /proc/PID/fd stands for; undefined for anything else. Asks no
 * server of a network file system.
 */
export function socketInode(path: string): number | undefined {
  const bytes = statx(AT_FDCWD, path, AT_STATX_DONT_SYNC);
  if (bytes === undefined || (u16At(bytes, 28) & S_IFMT) !== S_IFSOCK) return undefined;
  return u32At(bytes, 32) + u32At(bytes, 36) * 2 ** 32;
}

/** The struct statx of a path; undefined when nothing is there. */
function statx(directory: number, path: string, flags: number): Uint8Array | undefined {
  const bytes = new Uint8Array(STATX_SIZE);
  const result = native.statx(directory, path, flags, STATX_BASIC_STATS, bytes);
  if (isMissing(result)) return undefined;
  if (result === -ELOOP && flags === 0) return statx(directory, path, AT_SYMLINK_NOFOLLOW);
  check(result, `stat ${path}`);
  return bytes;
}

/** The status in a struct statx: stx_nlink at 16, stx_mode at 28, stx_size at 40, stx_mtime at 112. */
function readStatus(bytes: Uint8Array): FileStatus {
  const format = u16At(bytes, 28) & S_IFMT;
  return {
    mode: u16At(bytes, 28) & 0o7777,
    kind: format === S_IFREG ? "file" : format === S_IFDIR ? "directory" : "other",
    size: u32At(bytes, 40) + u32At(bytes, 44) * 2 ** 32,
    links: u32At(bytes, 16),
    modified: modifiedOf(bytes),
  };
}

/** The time of the last change of the content in a struct statx, in milliseconds since 1970. */
export function modifiedOf(bytes: Uint8Array): number {
  return (u32At(bytes, 112) + u32At(bytes, 116) * 2 ** 32) * 1000 + Math.floor(u32At(bytes, 120) / 1e6);
}
