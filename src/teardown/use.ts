// The use of what a person wants taken down.
import { openRecordedPod } from "../host/namespace.ts";
import type { Node } from "../host/node.ts";
import { addProcesses, namespaceAt } from "../look/namespaces.ts";
import { readProcess } from "../look/process.ts";
import type { Leftover } from "./leftover.ts";

/** A process that uses an attachment. */
export interface User {
  pid: number;
  name: string;
}

/** Processes that are told at most; one is enough for a refusal. */
const MOST = 5;

/** The processes in the namespace of an attachment. None for what has no namespace. Throws SystemError. */
export function usersOf(leftover: Leftover, node: Node): User[] {
  if (leftover.kind === "cached") return usersAt(leftover.cached.namespacePath);
  if (leftover.kind !== "attachment") return [];
  using pod = openRecordedPod(leftover.attachment, node);
  return pod === undefined ? [] : usersAt(leftover.attachment.namespace.path);
}

function usersAt(path: string): User[] {
  const found = new Map();
  const namespace = path === "" ? undefined : namespaceAt(path, found);
  if (namespace === undefined) return [];
  addProcesses(found);
  return namespace.pids.slice(0, MOST).map((pid) => ({ pid, name: readProcess(pid).name }));
}
