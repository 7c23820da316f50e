// The ADDs that a wire has no place for.
import { attachmentTitle } from "../../../attachment/name.ts";
import type { AttachmentKey } from "../../../cni/attachment-key.ts";
import { CniError } from "../../../cni/error.ts";
import { findUnknownEnd, type GoingEnd, type Others } from "./member.ts";

/** Refuses a third member, by the names of the two. Throws CniError. */
export function refuseThird({ network }: AttachmentKey, { members }: Others): void {
  const [one, other] = members.map(({ attachment }) => attachmentTitle(attachment));
  if (one === undefined || other === undefined) return;
  throw new CniError("wire", {
    about: `the wire of network ${network} has its two ends`,
    cause: `${one} and ${other} have them`,
    hint: "Send a DEL for one of the two first, or give each pair of pods a network of its own",
  });
}

/**
 * Refuses to make a new pair where the other end of the present one may be that of a member whose record
 * cannot be read. Throws CniError.
 */
export function refuseUnknown({ network }: AttachmentKey, { unreadable: [path] }: Others): void {
  if (path === undefined) return;
  throw new CniError("wire", {
    about: `the other end of the wire of network ${network} may be that of an unknown pod`,
    cause: `${path} is damaged, or a later Pontoon wrote it`,
    hint: "Send a DEL for the container of that record, or a GC with the valid attachments of the network",
  });
}

/** Refuses to take a pair away of which a living pod without a record has the other end. Throws CniError. */
export function refuseToCut({ network }: AttachmentKey, going: readonly GoingEnd[], others: Others): void {
  for (const each of going) {
    const far = findUnknownEnd(each, others);
    if (far === undefined) continue;
    throw new CniError("wire", {
      about: `the other end of the wire of network ${network} is that of a living pod without a record`,
      cause: `it is interface ${JSON.stringify(far.name)} with the alias ${JSON.stringify(far.alias)}`,
      hint: "Send a DEL for that container and interface, with its namespace, or delete that pod",
    });
  }
}
