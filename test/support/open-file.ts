// Which files of this process are open. Tests run in threads of one process, so only paths of the test's own
// count.
import { readdirSync, readlinkSync } from "node:fs";

/** The paths below `folder` that this process has open, once for each descriptor. */
export function openFilesBelow(folder: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      // Closed meanwhile, by us or by another thread.
      return [];
    }
  });
}
