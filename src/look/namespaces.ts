// The network namespaces of the node that can be reached: by the names that runtimes and people gave them,
// and by the processes that run in them.
import { isErrno, orNone, unlessRefused } from "../sys/errno.ts";
import { listDirectory } from "../sys/file.ts";
import { fileIdentity } from "../sys/status.ts";

/** The folders where runtimes and people keep names of namespaces (ip-netns(8), CRI, Docker). */
const FOLDERS = ["/run/netns", "/run/docker/netns", "/var/run/netns", "/var/run/docker/netns"];

/** A network namespace. */
export interface NetworkNamespace {
  /** Device and inode: two paths of one namespace have the same. */
  identity: string;
  /** The paths by which it can be opened: names first, then /proc/PID/ns/net of the first process. */
  paths: string[];
  /** The processes that run in it, by their ids. */
  pids: number[];
}

/** The namespaces that are known, by identity. */
export type Namespaces = Map<string, NetworkNamespace>;

/** The namespaces that have a name. A folder that cannot be read has none. */
export function namedNamespaces(): Namespaces {
  const found: Namespaces = new Map();
  const seen = new Set<string | undefined>();
  for (const folder of FOLDERS) {
    const identity = identityAt(folder);
    if (identity === undefined || seen.has(identity)) continue;
    seen.add(identity);
    for (const name of orNone(() => listDirectory(folder))) namespaceAt(`${folder}/${name}`, found);
  }
  return found;
}

/**
 * Adds the processes of the node to the namespaces, and the namespaces that have no name but a process. A
 * process that ends meanwhile is passed over. Gives how many there are whose namespace may not be seen;
 * process 1 is none of them, since it runs in no pod and is hidden where the node is a container. Throws
 * SystemError.
 */
export function addProcesses(found: Namespaces): number {
  let hidden = 0;
  for (const name of listDirectory("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const path = `/proc/${name}/ns/net`;
    const identity = identityAt(path);
    const known = identity === undefined ? undefined : found.get(identity);
    if (known !== undefined && known.pids.length > 0) known.pids.push(pid);
    else if (identity !== undefined) namespaceAt(path, found)?.pids.push(pid);
    else if (pid !== 1 && isForbidden(path)) hidden++;
  }
  return hidden;
}

function isForbidden(path: string): boolean {
  try {
    fileIdentity(path);
    return false;
  } catch (error) {
    return isErrno(error, "EACCES", "EPERM");
  }
}

/** The namespace at a path, which is entered among the known ones; undefined where there is none. */
export function namespaceAt(path: string, found: Namespaces): NetworkNamespace | undefined {
  const identity = identityAt(path);
  if (identity === undefined) return undefined;
  const namespace = found.get(identity) ?? { identity, paths: [], pids: [] };
  if (!namespace.paths.includes(path)) namespace.paths.push(path);
  found.set(identity, namespace);
  return namespace;
}

/** Device and inode of the namespace at a path; undefined where there is none, or it may not be seen. */
function identityAt(path: string): string | undefined {
  return unlessRefused(() => fileIdentity(path), undefined);
}
