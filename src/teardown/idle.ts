// Attachments in whose namespace no process runs.
import type { Attachment } from "../attachment/attachment.ts";
import { CniError } from "../cni/error.ts";
import { openRecordedPod } from "../host/namespace.ts";
import type { Node } from "../host/node.ts";
import { addProcesses, type Namespaces, namespaceAt } from "../look/namespaces.ts";
import { epochMs } from "../sys/clock.ts";
import { hiddenText } from "./hidden.ts";

/** An ADD that ended no longer ago than this may be followed by the first process of the pod. */
const START_MS = 60_000;

/**
 * The attachments in whose namespace no process runs: the runtime was killed together with the pod. An ADD of
 * the last minute counts as used. The caller has to see the processes of the whole node. Throws SystemError,
 * and CniError where some may not be seen: any of them may run in a pod.
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
  const hidden = addProcesses(found);
  if (hidden > 0 && candidates.length > 0) throw blind(hidden);
  return candidates
    .filter(({ namespace }) => namespace.pids.length === 0)
    .map(({ attachment }) => attachment);
}

function blind(hidden: number): CniError {
  return new CniError("ioFailure", {
    message: "nothing was taken down",
    cause: `${hiddenText(hidden)}, so nobody can tell which pods have none`,
    hint: "Run it as root with the capability CAP_SYS_PTRACE",
  });
}
