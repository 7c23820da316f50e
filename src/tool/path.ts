// The places of programs.

import { unlessRefused } from "../sys/errno.ts";
import { native } from "../sys/native.ts";
import { fileStatus } from "../sys/status.ts";

/**
 * The folders of the administrator's programs. The PATH of a runtime or of a person often leaves them out.
 */
const ADMINISTRATOR = ["/usr/sbin", "/sbin"];

/**
 * The path of the first of these programs that exists, in PATH or in the administrator's folders; undefined
 * when none does.
 */
export function findProgram(
  names: readonly string[],
  path: string | undefined = native.getenv("PATH"),
): string | undefined {
  const folders = [...(path ?? "").split(":").filter((folder) => folder.startsWith("/")), ...ADMINISTRATOR];
  return names.flatMap((name) => folders.map((folder) => `${folder}/${name}`)).find(isFile);
}

/**
 * True when there is a regular file, or a link to one. A file that cannot be looked at counts as missing, as
 * for libcni.
 */
export function isFile(path: string): boolean {
  return unlessRefused(() => fileStatus(path), undefined)?.kind === "file";
}
