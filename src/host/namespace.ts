// The namespace that a runtime names, checked before anything is done in it.
import { CniError } from "../cni/error.ts";
import { getLink } from "../net/link.ts";
import type { AttachmentRecord } from "../record/attachment.ts";
import { hostInterfaceName } from "../record/digest.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { explain } from "./failure.ts";
import type { Machine, Pod } from "./machine.ts";

/**
 * Opens CNI_NETNS for ADD and CHECK. CniError 8 when it is no namespace, or the one that we run in (unless
 * that is allowed).
 */
export function openPod(path: string, allowOwnNamespace: boolean, machine: Machine): Pod {
  const pod = enter(path, machine);
  if (pod.isHost && !allowOwnNamespace) throw ownNamespace(path);
  return pod;
}

/** Opens CNI_NETNS for DEL: undefined when it is empty, gone, or no namespace. */
export function openPodIfThere(path: string, machine: Machine): Pod | undefined {
  if (path === "") return undefined;
  try {
    return machine.enterPod(path);
  } catch (error) {
    if (error instanceof SystemError) return undefined;
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
 * True when the attachment's namespace is gone and so is its veth: nobody will miss it. Throws SystemError.
 */
export function isDead(record: AttachmentRecord, machine: Machine): boolean {
  if (hasLink(record, machine)) return false;
  try {
    using pod = machine.openPod(record.namespace.path);
    return pod.links.namespaceCookie !== record.namespace.cookie;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EINVAL", "ENXIO", "ELOOP")) return true;
    throw error;
  }
}

/** True when the host's end of the attachment's veth pair is there. Throws SystemError. */
export function hasLink({ key }: AttachmentRecord, machine: Machine): boolean {
  return getLink(machine.links, { name: hostInterfaceName(key) }) !== undefined;
}

function enter(path: string, machine: Machine): Pod {
  try {
    return machine.enterPod(path);
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
