// The lock of a wire: whoever looks at the members of a network and changes their pair holds it.
import { CniError } from "../../../cni/error.ts";
import { attempt } from "../../../failure/failure.ts";
import { ensureDirectory, type FileHandle, O_DIRECTORY, O_RDONLY, openFile } from "../../../sys/file.ts";
import { lockInPatience, PATIENCE_MS, waitedText } from "../../../sys/flock.ts";
import type { Node } from "../../node.ts";

/**
 * Runs `action` while no other call looks at the wire of the network or changes it: under the lock of the
 * folder of its records. Taken behind the lock of the leases, and before that of the node. Throws CniError 11
 * when the lock is not free in time, and the errors of `action`.
 */
export function underWireLock<T>(network: string, node: Node, action: () => T): T {
  const path = node.records.directory(network);
  using _lock = attempt("recordStore", path, () => openWireLock(path));
  return action();
}

function openWireLock(path: string): FileHandle {
  ensureDirectory(path);
  const file = openFile(path, O_RDONLY | O_DIRECTORY);
  try {
    if (lockInPatience(file, path, PATIENCE_MS)) return file;
  } catch (error) {
    file.close();
    throw error;
  }
  file.close();
  throw new CniError("tryAgainLater", {
    about: "the lock of the wire is held by another process",
    cause: `${path} was not free; this call has waited ${waitedText()} for locks and other calls`,
    hint: `Look with "fuser ${path}" who holds it`,
  });
}
