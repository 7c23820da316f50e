// The removal of a dead attachment from the kernel, before its addresses are free again.
import type { Attachment } from "../attachment/attachment.ts";
import { bridgeOf } from "../attachment/link.ts";
import { forgetMacsFollow } from "./kind/bridge/macs-follow.ts";
import type { Node } from "./node.ts";
import { giveLinksBack, releases, removalsOf, removeLinks, removeRules, shutPorts } from "./removal.ts";

/**
 * Removes port, rules and links of a dead attachment, and the alias of its bridge, since the pod's last MAC
 * is not known. What pods share stays: the network's next DEL or GC finds whether an attachment needs it.
 * Hold the lock of its leases. Throws CniError and SystemError.
 */
export function discardDead(attachment: Attachment, node: Node): void {
  const removals = removalsOf({ node, attachment, pod: undefined });
  shutPorts(removals, node);
  removeRules(removals, node);
  for (const release of releases(removals)) release();
  removeLinks(removals, node, attachment.key);
  giveLinksBack(removals);
  const bridge = bridgeOf(attachment.link);
  if (bridge !== undefined) forgetMacsFollow(bridge, node);
}
