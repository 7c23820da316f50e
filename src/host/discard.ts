// Taking away an attachment that died, before its addresses are free again.
import type { Attachment } from "../attachment/attachment.ts";
import { collectErrors, throwFirst } from "../failure/failure.ts";
import { afterLinks, removalsOf, removeLinks, removeRules } from "./engine.ts";
import { forgetMacsFollow } from "./kind/bridge/macs-follow.ts";
import type { Node } from "./node.ts";

/**
 * Removes rules and links of a dead attachment. Hold the lock of its leases. Throws CniError and SystemError.
 */
export function discardDead(attachment: Attachment, node: Node): void {
  const on = { node, attachment, pod: undefined };
  const removals = removalsOf(on);
  removeRules(removals, node);
  removeLinks(removals, node, attachment.key);
  throwFirst(collectErrors(afterLinks(removals)));
  // The pod's last MAC is not known any more.
  forgetMacsFollow(attachment.link.bridge.name, node);
}
