// The checks whether the node could serve an ADD.
import { getLink } from "../net/link.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { getGenerationMessage } from "../nft/message.ts";
import { checkIsBridge } from "./bridge.ts";

/**
 * Refuses a link that has the bridge's name and is no bridge. Throws CniError, and SystemError when the
 * kernel does not answer.
 */
export function checkBridge(name: string, links: NetlinkSocket): void {
  const link = getLink(links, { name });
  if (link !== undefined) checkIsBridge(name, link);
}

/** Makes sure that nftables answers. Throws SystemError. */
export function checkNftables(rules: NetlinkSocket): void {
  rules.execute([getGenerationMessage()]);
}
