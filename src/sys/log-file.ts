// A file of lines to which many processes add, and which stays small.
import { errnoOf, SystemError } from "./errno.ts";
import {
  type FileHandle,
  O_APPEND,
  O_CREAT,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_WRONLY,
  openFile,
  renameFile,
} from "./file.ts";
import { tryLock } from "./flock.ts";
import { fileIdentity, handleStatus, identityOfNamed } from "./status.ts";
import { writeAll } from "./stream.ts";

/**
 * Bytes from which on a log begins anew; the old one is kept beside it as `.1`, so two of that size may
 * exist.
 */
const LOG_LIMIT = 10 * 1024 * 1024;

/**
 * Adds a line to a log file, which is made where it is missing, for its owner alone. One write puts it at the
 * end, so lines of several processes never mix (write(2), O_APPEND). Never waits. Throws SystemError: no
 * folder, a link or something else in the place of a file.
 */
export function appendLine(path: string, line: string, limit = LOG_LIMIT): void {
  using file = openFile(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  const { kind, size } = handleStatus(file.fd);
  if (kind !== "file") throw new SystemError(`write to ${path}`, errnoOf("EINVAL"), "it is no file");
  writeAll(file.fd, `${line}\n`, path);
  if (size >= limit) beginAnew(file, path);
}

/**
 * Puts a full log aside. One process does it: it holds the lock of the file, and the path still leads to that
 * file. A process that opened the file before goes on to write into the old one, and nothing is lost.
 */
function beginAnew(file: FileHandle, path: string): void {
  if (tryLock(file, path) && identityOfNamed(file.fd) === fileIdentity(path)) renameFile(path, `${path}.1`);
}
