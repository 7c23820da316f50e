// The ports of a bridge that are host ends of attachments, known without any record.
import { hostInterfaceName, keyOfAlias } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { getLink, listPorts } from "../net/link.ts";
import type { Node } from "./node.ts";

/** A network, and the bridge that its pods are on. */
export interface NetworkBridge {
  network: string;
  bridge: string;
}

/**
 * The bridge's ports that are host ends of such attachments of a network: the alias of a port tells the key,
 * and the port's name proves it. Throws SystemError.
 */
export function listPortsLike(
  { network, bridge }: NetworkBridge,
  isWanted: (key: AttachmentKey) => boolean,
  node: Node,
): string[] {
  const link = getLink(node.links, { name: bridge });
  if (link === undefined) return [];
  return listPorts(node.links, link.index).flatMap((port) => {
    const key = keyOfAlias(port.alias);
    const isOurs = key !== undefined && key.network === network && hostInterfaceName(key) === port.name;
    return isOurs && isWanted(key) ? [port.name] : [];
  });
}
