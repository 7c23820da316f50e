// The mount of a folder.
import { errnoOf, SystemError } from "./errno.ts";
import { O_DIRECTORY, O_RDONLY, openFile, readText } from "./file.ts";
import { fileStatus } from "./status.ts";

/**
 * The number of the mount that `path` is on, or would be on if it were made: that of the nearest folder above
 * that exists. Throws SystemError.
 */
export function mountOf(path: string): number {
  using folder = openFile(nearestFolder(path), O_RDONLY | O_DIRECTORY);
  const info = `/proc/self/fdinfo/${folder.fd}`;
  const [, number] = /^mnt_id:\s*(\d+)$/m.exec(readText(info)) ?? [];
  if (number === undefined) throw new SystemError(`find mnt_id in ${info}`, errnoOf("ENOENT"));
  return Number(number);
}

function nearestFolder(path: string): string {
  if (path === "/" || fileStatus(path)?.kind === "directory") return path;
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "." : nearestFolder(slash === 0 ? "/" : path.slice(0, slash));
}
