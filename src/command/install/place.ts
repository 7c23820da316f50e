// One file put in its place on the node.
import { CniError } from "../../cni/error.ts";
import { attempt } from "../../failure/failure.ts";
import { linkDurably, replaceDurably } from "../../sys/durable-file.ts";
import { isErrno, SystemError } from "../../sys/errno.ts";
import {
  ensureDirectory,
  type FileHandle,
  O_DIRECTORY,
  O_RDONLY,
  openFile,
  removeFile,
} from "../../sys/file.ts";
import { lockWithin } from "../../sys/flock.ts";
import { fileIdentity, fileStatus } from "../../sys/status.ts";
import { readAll } from "../../sys/stream.ts";
import { pathIn } from "../network/folder.ts";

/**
 * The longest wait for another install: it is in the folder for milliseconds, on a slow disk for some
 * seconds.
 */
const LOCK_LIMIT_MS = 10_000;

/** A file that is to be in a folder of the node. */
export interface Wanted {
  folder: string;
  name: string;
  bytes: Uint8Array;
  /** The permission bits that a new file gets. */
  mode: number;
  /** The permission bits that make an existing file count as right. */
  needs: number;
  /** False: a different file of that name stays. */
  replaces: boolean;
  /** The option that names another folder, for the hint of an error. */
  option: string;
}

/** The outcome for a file. `kept`: a different file of that name is there, and stays. */
export type Outcome = "installed" | "already there" | "kept";

/**
 * Puts the file there. At every moment its name leads to the old file or to the new file, whole. One call at
 * a time works in a folder, so all calls use one temporary name, and the next call removes the file of a
 * killed call. The name begins with a dot and ends in `.new`, so no runtime takes it for a plugin or a
 * configuration. Throws CniError 5 when the file cannot be written, code 11 when another call does not end.
 */
export function place(wanted: Wanted): Outcome {
  return writing(wanted, (path) => placeLocked(wanted, path));
}

/** A link that is to be in a folder of the node, to another file in it. */
export type WantedLink = Pick<Wanted, "folder" | "name" | "option"> & { target: string };

/**
 * Makes the link where nothing has its name; any other name of the target's file is as good. Throws CniError
 * 5 when it cannot be made.
 */
export function placeLink(wanted: WantedLink): Outcome {
  const { folder, target } = wanted;
  return writing(wanted, (path) => {
    using handle = openFile(folder, O_RDONLY | O_DIRECTORY);
    if (linkDurably(target, path, handle)) return "installed";
    return fileIdentity(path) === fileIdentity(pathIn(folder, target)) ? "already there" : "kept";
  });
}

/** The outcome of `write` for the path; its error says which option names another folder. */
function writing(
  { folder, name, option }: Pick<Wanted, "folder" | "name" | "option">,
  write: (path: string) => Outcome,
): Outcome {
  const path = pathIn(folder, name);
  const hint = (error: SystemError): string | undefined =>
    isErrno(error, "EACCES", "EPERM", "EROFS", "ENOTDIR", "EISDIR", "EEXIST")
      ? `Name a folder that can be written with ${option}`
      : undefined;
  return attempt("ioFailure", `${path} cannot be written`, () => write(path), hint);
}

function placeLocked({ folder, name, bytes, mode, needs, replaces }: Wanted, path: string): Outcome {
  ensureDirectory(folder);
  using handle = openFile(folder, O_RDONLY | O_DIRECTORY);
  lock(handle, folder);
  const temporary = pathIn(folder, `.${name}.new`);
  removeFile(temporary);
  const found = fileStatus(path);
  const hasBytes =
    found?.kind === "file" && found.size === bytes.length && isEqual(read(path, found.size), bytes);
  if (hasBytes && (found.mode & needs) === needs) return "already there";
  if (found !== undefined && !hasBytes && !replaces) return "kept";
  replaceDurably({ path, bytes, mode }, handle, temporary);
  return "installed";
}

/**
 * Locks the folder until it is closed. On a file system without locks (NFS) two installs are not kept apart.
 */
function lock(handle: FileHandle, folder: string): void {
  try {
    if (lockWithin(handle, folder, LOCK_LIMIT_MS)) return;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return;
  }
  throw new CniError("tryAgainLater", {
    about: `another install is writing in ${folder}`,
    hint: "Wait for its end, then run it again",
  });
}

function read(path: string, expected: number): Uint8Array {
  using file = openFile(path, O_RDONLY);
  return readAll(file.fd, path, { expected });
}

/** True for equal bytes. It compares four bytes at a time: the executable has some millions. */
function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  const words = Math.floor(one.length / 4);
  const [left, right] = [wordsOf(one, words), wordsOf(other, words)];
  for (let at = 0; at < words; at++) if (left[at] !== right[at]) return false;
  for (let at = words * 4; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

function wordsOf({ buffer, byteOffset }: Uint8Array, count: number): Uint32Array {
  return new Uint32Array(buffer, byteOffset, count);
}
