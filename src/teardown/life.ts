// The attachments of a network that are in use, as the records and the cache of the runtime tell it.
import { type AttachmentKey, sameKey } from "../cni/attachment-key.ts";
import type { ValidAttachment } from "../cni/teardown.ts";
import { isOver } from "../host/namespace.ts";
import { NO_NAMESPACE, type Node } from "../host/node.ts";
import { listCache } from "../runtime/cache.ts";
import { isErrno } from "../sys/errno.ts";
import { folderOf } from "../sys/path.ts";
import { fileStatus } from "../sys/status.ts";

/**
 * The attachments of a network that stay: recorded ones that are not over, and others of the cache whose
 * namespace is there, or not known. Throws SystemError.
 */
export function livingAttachments(network: string, node: Node): ValidAttachment[] {
  const { records } = node.records.listRecords(network);
  const recorded = records
    .filter((attachment) => isOutOfSight(attachment.namespace.path) || !isOver(attachment, node))
    .map(({ key }) => key);
  const isRecorded = (key: AttachmentKey): boolean => records.some((each) => sameKey(each.key, key));
  const cached = listCache()
    .filter(({ key, namespacePath }) => key.network === network && !isGone(namespacePath, node))
    .map(({ key }) => key)
    .filter((key) => !isRecorded(key));
  return [...recorded, ...cached].map(({ containerId, interfaceName }) => ({ containerId, interfaceName }));
}

/**
 * True when there is no namespace at a path; false for a path that tells nothing: an empty one, and one that
 * is out of sight. Throws SystemError.
 */
export function isGone(path: string, node: Node): boolean {
  if (path === "" || isOutOfSight(path)) return false;
  try {
    node.openPod(path)[Symbol.dispose]();
    return false;
  } catch (error) {
    if (isErrno(error, ...NO_NAMESPACE)) return true;
    throw error;
  }
}

/**
 * True when not even the folder of a namespace's name is there, as in a container that does not have the
 * node's: whether the namespace lives cannot be seen. A path below /proc goes with its process. Throws
 * SystemError.
 */
export function isOutOfSight(path: string): boolean {
  return path !== "" && !path.startsWith("/proc/") && fileStatus(folderOf(path)) === undefined;
}
