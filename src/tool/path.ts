// Where programs are.

import { SystemError } from "../sys/errno.ts";
import { fileStatus } from "../sys/file.ts";
import { native } from "../sys/native.ts";

/**
 * Where the programs of the administrator are. The PATH of a runtime or of a person often leaves them out.
 */
const ADMINISTRATOR = ["/usr/sbin", "/sbin"];

/**
 * The path of the first of these programs that is there, in PATH or among those of the administrator;
 * undefined when none is.
 */
export function findProgram(
  names: readonly string[],
  path: string | undefined = native.getenv("PATH"),
): string | undefined {
  const folders = [...(path ?? "").split(":").filter((folder) => folder.startsWith("/")), ...ADMINISTRATOR];
  return names.flatMap((name) => folders.map((folder) => `${folder}/${name}`)).find(isFile);
}

/**
 * True when there is a regular file, or a link to one. What cannot be looked at is not there, as for libcni.
 */
export function isFile(path: string): boolean {
  try {
    return fileStatus(path)?.kind === "file";
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}
