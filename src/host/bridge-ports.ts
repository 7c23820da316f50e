// The host ends of attachments, known without any record.
import { hostInterfaceName, keyOfAlias } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { getLink, listPorts } from "../net/link.ts";
import { listLinks } from "../net/link-set.ts";
import type { Node } from "./node.ts";

/** A network, and the bridge that its pods are on; undefined: any bridge or none. */
export interface NetworkBridge {
  network: string;
  bridge: string | undefined;
}

/**
 * The host ends of such attachments of a network: the alias of a link tells the key, and the link's name
 * proves it. Throws SystemError.
 */
export function listPortsLike(
  { network, bridge }: NetworkBridge,
  isWanted: (key: AttachmentKey) => boolean,
  node: Node,
): string[] {
  return listCandidates(bridge, node).flatMap((port) => {
    const key = keyOfAlias(port.alias);
    const isOurs = key !== undefined && key.network === network && hostInterfaceName(key) === port.name;
    return isOurs && isWanted(key) ? [port.name] : [];
  });
}

function listCandidates(bridge: string | undefined, node: Node): Named[] {
  if (bridge === undefined) return listLinks(node.links, "veth");
  const link = getLink(node.links, { name: bridge });
  return link === undefined ? [] : listPorts(node.links, link.index);
}

interface Named {
  name: string;
  alias: string;
}
