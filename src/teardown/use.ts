// The use of what a person wants taken down.
import { openRecordedPod } from "../host/namespace.ts";
import type { Node } from "../host/node.ts";
import { addProcesses, namespaceAt } from "../look/namespaces.ts";
import { readProcess } from "../look/process.ts";
import { hiddenText } from "./hidden.ts";
import type { Leftover } from "./leftover.ts";

/** A process that uses an attachment. */
export interface User {
  pid: number;
  name: string;
}

/** The processes that use an attachment, and a sentence about those of which nobody can tell. */
export interface Use {
  users: User[];
  hidden: string | undefined;
}

/** Processes that are told at most; one is enough for a refusal. */
const MOST = 5;

const UNUSED: Use = { users: [], hidden: undefined };

/** The processes in the namespace of an attachment. None for what has no namespace. Throws SystemError. */
export function useOf(leftover: Leftover, node: Node): Use {
  if (leftover.kind === "cached") return useAt(leftover.cached.namespacePath);
  if (leftover.kind !== "attachment") return UNUSED;
  using pod = openRecordedPod(leftover.attachment, node);
  return pod === undefined ? UNUSED : useAt(leftover.attachment.namespace.path);
}

function useAt(path: string): Use {
  const found = new Map();
  const namespace = path === "" ? undefined : namespaceAt(path, found);
  if (namespace === undefined) return UNUSED;
  const hidden = addProcesses(found);
  const users = namespace.pids.slice(0, MOST).map((pid) => ({ pid, name: readProcess(pid).name }));
  return { users, hidden: hidden === 0 ? undefined : hiddenText(hidden) };
}
