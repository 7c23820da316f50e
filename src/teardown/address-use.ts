// The addresses that the network namespaces of the node have.
import { NO_NAMESPACE, type Node } from "../host/node.ts";
import { formatAddress } from "../ip/address.ts";
import { listAddressesOfAll } from "../net/address.ts";
import { isErrno } from "../sys/errno.ts";
import { listDirectory } from "../sys/file.ts";
import { NAMED_NAMESPACES } from "../sys/named-namespace.ts";
import { fileIdentity } from "../sys/status.ts";

/** A process that has ended, or that this program may not look at. */
const NOT_OURS = ["ESRCH", "EACCES", "EPERM"] as const;

/**
 * All addresses of all network namespaces that have a name or a process, as text. A namespace that may not be
 * entered has no pod of ours: the ADD had to enter it with the same rights. Throws SystemError.
 */
export function addressesInUse(node: Node): Set<string> {
  const found = new Set<string>();
  collect(node.links, found);
  for (const path of namespaces()) {
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

/** A path for each namespace. */
function namespaces(): string[] {
  const named = listDirectory(NAMED_NAMESPACES).map((name) => `${NAMED_NAMESPACES}/${name}`);
  const ofProcesses = listDirectory("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `/proc/${pid}/ns/net`);
  const byIdentity = new Map<string, string>();
  for (const path of [...named, ...ofProcesses]) {
    const identity = identityOf(path);
    if (identity !== undefined && !byIdentity.has(identity)) byIdentity.set(identity, path);
  }
  return [...byIdentity.values()];
}

/** The namespace at a path; undefined where it cannot be told. */
function identityOf(path: string): string | undefined {
  try {
    return fileIdentity(path);
  } catch (error) {
    if (isErrno(error, ...NOT_OURS)) return undefined;
    throw error;
  }
}
