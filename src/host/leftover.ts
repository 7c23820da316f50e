// What dead attachments of a network left in the kernel, found without any record of them.
import { getLink, listPorts } from "../net/link.ts";
import { listLinks } from "../net/link-set.ts";
import { ifThereIsNftables } from "../nft/answer.ts";
import { networkOfComment, ownerOf } from "../nft/comment.ts";
import { deleteElements, type Element } from "../nft/element.ts";
import { isChainOf } from "../nft/layout.ts";
import { listAllElements, removeUnusedChains } from "../nft/masquerade.ts";
import { listSpoofElements } from "../nft/spoof-check.ts";
import type { AttachmentKey } from "../record/attachment.ts";
import { hostInterfaceName, ifbName, referenceIfbName } from "../record/digest.ts";
import { removeUnrecordedHostPorts } from "./host-port-removal.ts";
import type { Machine } from "./machine.ts";

/**
 * Removes the elements of a network whose owners are stale, and its chains that nothing leads to. The caller
 * holds the lock of the leases. Throws SystemError.
 */
export function removeStaleElements(
  network: string,
  isStale: (owner: string) => boolean,
  machine: Machine,
): void {
  const elements = ifThereIsNftables(
    () => machine.rules,
    (rules) => [...listAllElements(rules), ...listSpoofElements(rules)],
  );
  if (elements === undefined) return;
  const isOfNetwork = (element: Element): boolean =>
    element.chain === "" ? networkOfComment(element) === network : isChainOf(network, element.chain);
  const stale = elements.filter((element) => isOfNetwork(element) && isStale(ownerOf(element)));
  deleteElements(machine.rules, stale);
  removeUnusedChains(machine.rules, stale, { network });
  removeUnrecordedHostPorts(
    network,
    (element) => networkOfComment(element) === network && isStale(ownerOf(element)),
    machine,
  );
}

/**
 * The bridge's ports that are host ends of such attachments of a network: their alias tells, and their name
 * proves it. Throws SystemError.
 */
export function listPortsLike(
  network: string,
  bridge: string,
  isWanted: (key: AttachmentKey) => boolean,
  machine: Machine,
): string[] {
  const link = getLink(machine.links, { name: bridge });
  if (link === undefined) return [];
  return listPorts(machine.links, link.index).flatMap((port) => {
    const key = keyOfAlias(port.alias);
    return key !== undefined &&
      key.network === network &&
      hostInterfaceName(key) === port.name &&
      isWanted(key)
      ? [port.name]
      : [];
  });
}

/** The ifbs of stale attachments of a network, known by the same signs. Throws SystemError. */
export function listStaleIfbs(
  network: string,
  isStale: (key: AttachmentKey) => boolean,
  machine: Machine,
): string[] {
  return listLinks(machine.links, "ifb").flatMap(({ name, alias }) => {
    const key = keyOfAlias(alias);
    return key !== undefined && key.network === network && ifbName(key) === name && isStale(key)
      ? [name]
      : [];
  });
}

/**
 * The ifbs of the reference plugin `bandwidth` for these containers. They have no alias, and their name is a
 * hash of network and container, so one whose container nobody names is not known again. Throws SystemError.
 */
export function listReferenceIfbs(network: string, containers: Iterable<string>, machine: Machine): string[] {
  const names = [...containers].map((containerId) => referenceIfbName({ network, containerId }));
  return names.length === 0
    ? []
    : listLinks(machine.links, "ifb").flatMap(({ name }) => (names.includes(name) ? [name] : []));
}

/**
 * `pontoon <network> <container id> [<pod>] <interface>`, as the plan of an ADD writes it. One that was cut
 * for its network and container names a wrong link, which its name then disproves.
 */
function keyOfAlias(alias: string): AttachmentKey | undefined {
  const [program, network, containerId, ...rest] = alias.split(" ");
  const interfaceName = rest.at(-1);
  if (
    program !== "pontoon" ||
    network === undefined ||
    containerId === undefined ||
    interfaceName === undefined
  )
    return undefined;
  return { network, containerId, interfaceName };
}
