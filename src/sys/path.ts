// Paths as texts.
import { textOf } from "./bytes.ts";
import { check } from "./errno.ts";
import { native } from "./native.ts";

/** PATH_MAX (linux/limits.h). */
const LONGEST = 4096;

/**
 * The absolute form of a path, without `.`, `..` and double slashes, as Go's filepath.Abs makes it. Links are
 * not followed. Throws SystemError when the working directory is asked for and cannot be read.
 */
export function absolutePath(path: string): string {
  const parts: string[] = [];
  const whole = path.startsWith("/") ? path : `${workingDirectory()}/${path}`;
  for (const part of whole.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The last part of a path, behind its last slash. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The folder of an absolute path: what stands before its last slash. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

function workingDirectory(): string {
  return target("/proc/self/cwd", "read the working directory");
}

/** The path that the executable of this process was started by, links followed. Throws SystemError. */
export function ownExecutable(): string {
  return target("/proc/self/exe", "find this executable");
}

function target(link: string, operation: string): string {
  const buffer = new Uint8Array(LONGEST);
  const length = check(native.readlink(link, buffer), operation);
  return textOf(buffer.subarray(0, length));
}
