// A file that exists only in memory and goes with its last descriptor. All functions throw SystemError.

import { textOf } from "./bytes.ts";
import { check } from "./errno.ts";
import { FileHandle, O_RDONLY, openFile } from "./file.ts";
import { native } from "./native.ts";
import { readAll } from "./stream.ts";

/** Makes an empty file in memory, by memfd_create(2); `name` is seen in /proc alone. */
export function createMemoryFile(name: string): FileHandle {
  return new FileHandle(check(native.memfd_create(name, 0), `make a file in memory (${name})`));
}

/** Another descriptor of an open file, with a position of its own. */
export function reopen({ fd }: FileHandle, flags: number): FileHandle {
  return openFile(`/proc/self/fd/${fd}`, flags);
}

/** The whole text of an open file, whatever the position of its descriptor. EFBIG above `limit` bytes. */
export function readWhole(file: FileHandle, what: string, limit?: number): string {
  using reader = reopen(file, O_RDONLY);
  return textOf(readAll(reader.fd, what, { limit }));
}
