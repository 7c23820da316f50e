// DEL: removes everything of an attachment, with or without a namespace, a record or a valid configuration.
import type { Attachment } from "../attachment/attachment.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { DelRequest } from "../cni/request.ts";
import type { Result } from "../cni/result.ts";
import { openPodIfThere, ownNamespace } from "../host/namespace.ts";
import type { Node } from "../host/node.ts";
import { delegate, delegateIfThere, foreignIpamOf } from "../ipam/delegate.ts";
import type { StoppedAdd } from "../record/intent.ts";
import type { RecordStore } from "../record/store.ts";
import { isErrno } from "../sys/errno.ts";
import { phase } from "../sys/phase.ts";
import { ADD_ENDS_MS, detach } from "../teardown/detach.ts";

/** Detaches the pod. Success when nothing is left, also when nothing was there. Throws CniError. */
export function del(request: DelRequest, node: Node): void {
  const { key, config, namespacePath, allowOwnNamespace } = request;
  const { records } = node;
  phase("look");
  // The record is read before and after the ADD stops: a stopped ADD may remove it, or add the addresses of
  // its IPAM plugin.
  const before = readRecord(records, key);
  const running = stopAdd(records, key);
  const attachment = readRecord(records, key) ?? before;
  using pod = openPodIfThere(namespacePath, node);
  const inHost = pod?.isHost === true && !allowOwnNamespace;
  const isKnown = attachment !== undefined || hasAddresses(config.prevResult);
  const foreign = foreignIpamOf(attachment, config);
  detach(
    {
      key,
      attachment,
      bridge: config.bridge,
      directory: `${config.dataDir}/${config.name}`,
      hasDevices: config.attach === "device",
      pod: inHost ? undefined : pod,
      prevResult: config.prevResult,
      running,
      releaseForeign: () => (isKnown ? delegate : delegateIfThere)(foreign, request, "DEL"),
    },
    node,
  );
  // The refusal comes last: only objects in the host's own namespace were left alone, all others are gone.
  if (inHost) throw ownNamespace(namespacePath);
}

function hasAddresses(result: Result | undefined): boolean {
  return result !== undefined && result.ips.length > 0;
}

/**
 * Stops an ADD of this attachment that still runs, although its runtime died. If the system refuses the
 * question, no ADD counts as running.
 */
function stopAdd(records: RecordStore, key: AttachmentKey): StoppedAdd | undefined {
  return orNothing(() => {
    const running = records.stopAdd(key);
    running?.endsWithin(ADD_ENDS_MS);
    return running;
  });
}

/** The record; undefined as well when it cannot be read: DEL then looks for traces of the attachment. */
function readRecord(records: RecordStore, key: AttachmentKey): Attachment | undefined {
  return orNothing(() => records.getRecord(key));
}

function orNothing<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (isErrno(error, "EIO", "EACCES", "ELOOP", "EISDIR", "EINVAL", "ENXIO")) return undefined;
    throw error;
  }
}
