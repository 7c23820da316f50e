// Links of the node that a step relies on.
import { isDeviceAliasOf } from "../attachment/device.ts";
import { keyOfAlias } from "../attachment/name.ts";
import { type AttachmentKey, sameKey } from "../cni/attachment-key.ts";
import { vanished } from "../failure/failure.ts";
import { getLink, type Link, type LinkName } from "../net/link.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";

/**
 * The link. Throws CniError 11, which names it by `title`, when another program has deleted it, and
 * SystemError.
 */
export function requireLink(links: NetlinkSocket, which: LinkName, title: string): Link {
  return present(getLink(links, which), title);
}

/**
 * `link` itself, the kernel's answer. Throws CniError 11, which names it by `title`, when there is no such
 * link.
 */
export function present<T>(link: T | undefined, title: string): T {
  if (link === undefined) throw vanished(title);
  return link;
}

/** What tells an attachment's interface in the pod. The MAC is undefined where no record tells it. */
interface Known {
  key: AttachmentKey;
  mac: string | undefined;
}

/** True for a device in the pod that is an attachment's: as {@link isEndOf}, by the alias of a device. */
export function isDeviceOf({ mac, alias }: Link, attachment: Known): boolean {
  return mac === attachment.mac || isDeviceAliasOf(alias, attachment.key);
}

/**
 * True for a pod's end of a veth pair that is an attachment's: by its MAC, or by its alias where a plugin
 * behind Pontoon has changed the MAC.
 */
export function isEndOf({ mac, alias }: Link, attachment: Known): boolean {
  if (mac === attachment.mac) return true;
  const named = keyOfAlias(alias);
  return named !== undefined && sameKey(named, attachment.key);
}
