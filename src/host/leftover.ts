// What dead attachments of a network left in the kernel, found without any record of them.
import { getLink, listPorts } from "../net/link.ts";
import { isChainOf } from "../nft/layout.ts";
import { lacksNftables } from "../nft/answer.ts";
import { type Element, ownerOf } from "../nft/element.ts";
import { listAllElements, removeElements } from "../nft/masquerade.ts";
import { listSpoofElements, removeSpoofElements } from "../nft/spoof-check.ts";
import type { AttachmentKey } from "../record/attachment.ts";
import { hostInterfaceName } from "../record/digest.ts";
import type { Machine } from "./machine.ts";

/** Removes the elements of a network whose owners are stale, and its chains that nothing leads to. The caller holds the lock of the leases. Throws SystemError. */
export function removeStaleElements(network: string, isStale: (owner: string) => boolean, machine: Machine): void {
  const elements = listElements(machine);
  if (elements === undefined) return;
  const isOfStale = (element: Element): boolean => isStale(ownerOf(element));
  removeElements(machine.rules, elements.masquerade.filter((element) => isChainOf(network, element.chain) && isOfStale(element)), { network });
  removeSpoofElements(machine.rules, elements.spoofCheck.filter((element) => networkOf(element) === network && isOfStale(element)));
}

/** Undefined on a kernel without nftables, which never had rules of ours. */
function listElements(machine: Machine): { masquerade: Element[]; spoofCheck: Element[] } | undefined {
  try {
    return { masquerade: listAllElements(machine.rules), spoofCheck: listSpoofElements(machine.rules) };
  } catch (error) {
    if (lacksNftables(error)) return undefined;
    throw error;
  }
}

/** The network that an element's comment names: the word after the owner. One that is too long for a comment is cut, and then no network's. */
function networkOf({ comment }: Element): string | undefined {
  const words = comment.split(" ");
  return words.length > 2 ? words[1] : undefined;
}

/** The bridge's ports that are host ends of stale attachments of a network: their alias tells, and their name proves it. Throws SystemError. */
export function listStalePorts(network: string, bridge: string, isStale: (key: AttachmentKey) => boolean, machine: Machine): string[] {
  const link = getLink(machine.links, { name: bridge });
  if (link === undefined) return [];
  return listPorts(machine.links, link.index).flatMap((port) => {
    const key = keyOfAlias(port.alias);
    return key !== undefined && key.network === network && hostInterfaceName(key) === port.name && isStale(key) ? [port.name] : [];
  });
}

/** `pontoon <network> <container id> [<pod>] <interface>`, as the plan of an ADD writes it. One that was cut for its network and container names a wrong link, which its name then disproves. */
function keyOfAlias(alias: string): AttachmentKey | undefined {
  const [program, network, containerId, ...rest] = alias.split(" ");
  const interfaceName = rest.at(-1);
  if (program !== "pontoon" || network === undefined || containerId === undefined || interfaceName === undefined) return undefined;
  return { network, containerId, interfaceName };
}
