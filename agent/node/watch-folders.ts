// The folders that the agent writes to: others may remove or replace what is in them.
import { type FSWatcher, watch } from "node:fs";
import { pause } from "../api/backoff.ts";

/** A folder that is not there yet, or went, is tried again after so long. */
const AGAIN_MS = 10_000;

/**
 * Calls `changed` after anything in these folders has changed that a runtime reads, until the abort. Hidden
 * files are none of it: those are what an apply or an installation writes first, and each that fails for a
 * full disk would be the reason for the next.
 */
export async function watchFolders(
  folders: readonly string[],
  changed: () => void,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    folders.map(async (folder) => {
      while (!signal.aborted) {
        await watchOnce(folder, changed, signal);
        await pause(AGAIN_MS, signal);
      }
    }),
  );
}

/** Watches until that ends: by the abort, or because the folder is not there. */
function watchOnce(folder: string, changed: () => void, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    let watcher: FSWatcher;
    try {
      watcher = watch(folder, { signal });
    } catch {
      return done();
    }
    watcher.on("change", (event, name) => {
      if (!name?.toString().startsWith(".")) changed();
      // The folder itself was renamed or removed: what has its name now is another one.
      if (event === "rename" && name === folder.slice(folder.lastIndexOf("/") + 1)) watcher.close();
    });
    watcher.on("error", () => done());
    watcher.on("close", () => done());
  });
}
