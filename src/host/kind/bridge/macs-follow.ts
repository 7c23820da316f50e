// The alias of a bridge on which the MAC of every pod, past ones included, follows the pod's IPv4 addresses
// (docs/decisions/0012-mac-of-an-address.md). People see the alias, and it goes with the bridge, and so with
// all neighbours that may know a MAC.
import { saysMacsFollow } from "../../../look/bridge.ts";
import { getLink, type Link } from "../../../net/link.ts";
import { changeLinkMessage } from "../../../net/link-change.ts";
import type { Node } from "../../node.ts";

/**
 * Takes the alias from a bridge, if the bridge is there and has it: one of its pods got another MAC later, so
 * the next owner of that pod's address has to be announced. Throws SystemError.
 */
export function forgetMacsFollow(bridge: string, node: Node): void {
  const link = getLink(node.links, { name: bridge });
  if (link !== undefined && saysMacsFollow(link)) takeAlias(link, node);
}

/** Takes the alias from a bridge that has it. Throws SystemError. */
export function takeAlias({ index, name }: Link, node: Node): void {
  node.links.execute([changeLinkMessage({ index }, { alias: "" }, `take the alias from bridge ${name}`)]);
}
