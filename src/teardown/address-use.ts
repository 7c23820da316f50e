// The addresses that the network namespaces of the node have.
import { NO_NAMESPACE, type Node } from "../host/node.ts";
import { formatAddress } from "../ip/address.ts";
import { addProcesses, namedNamespaces } from "../look/namespaces.ts";
import { listAddressesOfAll } from "../net/address.ts";
import { isErrno } from "../sys/errno.ts";

/** A process that has ended, or that this program may not look at. */
const NOT_OURS = ["ESRCH", "EACCES", "EPERM"] as const;

/**
 * All addresses of all network namespaces that have a name or a process, as text. A namespace that may not be
 * entered has no pod of ours: the ADD had to enter it with the same rights. Throws SystemError.
 */
export function addressesInUse(node: Node): Set<string> {
  const found = new Set<string>();
  collect(node.links, found);
  const namespaces = namedNamespaces();
  addProcesses(namespaces);
  for (const path of [...namespaces.values()].flatMap(({ paths }) => paths[0] ?? [])) {
    try {
      using pod = node.openPod(path);
      collect(pod.links, found);
    } catch (error) {
      if (!isErrno(error, ...NO_NAMESPACE, ...NOT_OURS)) throw error;
    }
  }
  return found;
}

function collect(links: Node["links"], found: Set<string>): void {
  for (const family of [4, 6] as const)
    for (const { prefix } of listAddressesOfAll(links, family)) found.add(formatAddress(prefix.address));
}
