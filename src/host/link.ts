// Links of the node that have to be there.
import { vanished } from "../failure/failure.ts";
import { getLink, type Link, type LinkName } from "../net/link.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";

/** The link. CniError 11 when another program has deleted it; `title` names it there. */
export function requireLink(links: NetlinkSocket, which: LinkName, title: string): Link {
  return present(getLink(links, which), title);
}

/** A link that the kernel was asked for. CniError 11 when it is not there; `title` names it. */
export function present<T>(link: T | undefined, title: string): T {
  if (link === undefined) throw vanished(title);
  return link;
}
