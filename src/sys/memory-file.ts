// A file that is nowhere but in memory and goes with its last descriptor.

import { textOf } from "./bytes.ts";
import { check } from "./errno.ts";
import { FileHandle, O_RDONLY, openFile, readAll } from "./file.ts";
import { native } from "./native.ts";

/** Makes an empty file in memory; `name` is seen in /proc alone. memfd_create(2). Throws SystemError. */
export function createMemoryFile(name: string): FileHandle {
  return new FileHandle(check(native.memfd_create(name, 0), `make a file in memory (${name})`));
}

/** Another descriptor of an open file, with a place of its own in it. Throws SystemError. */
export function reopen({ fd }: FileHandle, flags: number): FileHandle {
  return openFile(`/proc/self/fd/${fd}`, flags);
}

/**
 * The whole text of an open file, wherever its descriptor stands. Throws SystemError, EFBIG above `limit`
 * bytes.
 */
export function readWhole(file: FileHandle, what: string, limit?: number): string {
  using reader = reopen(file, O_RDONLY);
  return textOf(readAll(reader.fd, what, { limit }));
}
