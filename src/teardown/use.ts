// The use of attachments that a person wants taken down.
import type { Attachment } from "../attachment/attachment.ts";
import { openRecordedPod } from "../host/namespace.ts";
import type { Node } from "../host/node.ts";
import { addProcesses, type Namespaces, namespaceAt } from "../look/namespaces.ts";
import { readProcess } from "../look/process.ts";
import { epochMs } from "../sys/clock.ts";
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

/** An ADD that ended no longer ago than this may be followed by the first process of the pod. */
const START_MS = 60_000;

/**
 * The attachments in whose namespace no process runs: the runtime was killed together with the pod. An ADD of
 * the last minute counts as used. The caller has to see the processes of the whole node. Throws SystemError.
 */
export function idleAmong(attachments: readonly Attachment[], node: Node): Attachment[] {
  const found: Namespaces = new Map();
  const candidates = attachments.flatMap((attachment) => {
    const since = node.records.completedAt(attachment.key);
    if (since === undefined || since > epochMs() - START_MS) return [];
    using pod = openRecordedPod(attachment, node);
    const namespace = pod && namespaceAt(attachment.namespace.path, found);
    return namespace === undefined ? [] : [{ attachment, namespace }];
  });
  addProcesses(found);
  return candidates
    .filter(({ namespace }) => namespace.pids.length === 0)
    .map(({ attachment }) => attachment);
}

function usersAt(path: string): User[] {
  const found = new Map();
  const namespace = path === "" ? undefined : namespaceAt(path, found);
  if (namespace === undefined) return [];
  addProcesses(found);
  return namespace.pids.slice(0, MOST).map((pid) => ({ pid, name: readProcess(pid).name }));
}
