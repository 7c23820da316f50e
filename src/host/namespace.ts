// The pod's namespace, opened by the path of the runtime or of the record, and checked before use.
import type { Attachment } from "../attachment/attachment.ts";
import { CniError } from "../cni/error.ts";
import { explain } from "../failure/failure.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { NO_NAMESPACE, type Node } from "./node.ts";
import type { Pod } from "./pod.ts";

/**
 * Opens CNI_NETNS for ADD and CHECK; the caller closes it. Throws CniError 8 for a file that is no namespace,
 * and for Pontoon's own namespace unless `allowOwnNamespace`.
 */
export function openPod(path: string, allowOwnNamespace: boolean, node: Node): Pod {
  const pod = open(path, node);
  if (!pod.isHost || allowOwnNamespace) return pod;
  pod[Symbol.dispose]();
  throw ownNamespace(path);
}

/** Opens CNI_NETNS for DEL; the caller closes it. Undefined when it is empty, gone, or no namespace. */
export function openPodIfThere(path: string, node: Node): Pod | undefined {
  if (path === "") return undefined;
  try {
    return node.openPod(path);
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}

/**
 * Opens the namespace of a recorded attachment; the caller closes it. Undefined when it is gone or replaced.
 * Throws SystemError when the system refuses: a namespace that cannot be looked at may live.
 */
export function openRecordedPod({ namespace }: Attachment, node: Node): Pod | undefined {
  if (namespace.path === "") return undefined;
  try {
    const pod = node.openPod(namespace.path);
    if (pod.links.namespaceCookie === namespace.cookie) return pod;
    pod[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (isErrno(error, ...NO_NAMESPACE)) return undefined;
    throw error;
  }
}

/** The refusal of the host's own namespace, in the Go skeleton's words. */
export function ownNamespace(path: string): CniError {
  return new CniError("invalidNamespace", {
    message: "plugin's netns and netns from CNI_NETNS should not be the same",
    attempted: `CNI_NETNS is ${JSON.stringify(path)}`,
    hint: "Give the pod a namespace of its own; CNI_NETNS_OVERRIDE=1 switches this check off",
  });
}

/**
 * True when the attachment's namespace and its link are gone, so that nothing uses it any more. Throws
 * SystemError.
 */
export function isDead(attachment: Attachment, node: Node): boolean {
  if (node.hasLink(attachment)) return false;
  const { path, cookie } = attachment.namespace;
  try {
    using pod = node.openPod(path);
    return pod.links.namespaceCookie !== cookie;
  } catch (error) {
    if (isErrno(error, ...NO_NAMESPACE)) return true;
    throw error;
  }
}

/**
 * True for an attachment that nobody uses: its ADD was killed, or it is dead. Throws SystemError.
 */
export function isOver(attachment: Attachment, node: Node): boolean {
  const { records } = node;
  const { key } = attachment;
  return !records.isAddRunning(key) && (!records.isComplete(key) || isDead(attachment, node));
}

function open(path: string, node: Node): Pod {
  try {
    return node.openPod(path);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw explain(
      "invalidNamespace",
      `failed to open netns ${JSON.stringify(path)}`,
      error,
      hintFor(error.errno),
    );
  }
}

function hintFor(errno: number): string {
  if (errno === errnoOf("ENOENT"))
    return "Create the namespace first (ip netns add), and give its path in CNI_NETNS";
  if (errno === errnoOf("EPERM") || errno === errnoOf("EACCES"))
    return "Run the runtime as root; entering a namespace needs CAP_SYS_ADMIN";
  return "Give the path of a network namespace in CNI_NETNS, such as /run/netns/NAME or /proc/PID/ns/net";
}
