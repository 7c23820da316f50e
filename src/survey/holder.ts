// The container or process that a namespace belongs to, as people know it.

import type { NetworkNamespace } from "../look/namespaces.ts";
import { readProcess } from "../look/process.ts";
import { unlessRefused } from "../sys/errno.ts";
import { readTextOfAny } from "../sys/file.ts";
import { baseName } from "../sys/path.ts";

/** The holder of a namespace. */
export interface Holder {
  /** The container's id, by the control group of the first process. */
  container: string | undefined;
  /** The first process; undefined where none runs in it. */
  process: { pid: number; name: string } | undefined;
  /** The last part of the namespace's first path that is a name, as in /run/netns/NAME. */
  name: string | undefined;
}

/** The holder of a namespace. A process that ends meanwhile counts as none. */
export function holderOf({ paths, pids }: NetworkNamespace): Holder {
  const [pid] = pids;
  const path = paths.find((each) => !each.startsWith("/proc/"));
  return {
    container: pid === undefined ? undefined : containerOf(pid),
    process: pid === undefined ? undefined : { pid, name: readProcess(pid).name },
    name: path && baseName(path),
  };
}

/**
 * The id of the container that a process is in: 64 hexadecimal digits in the path of its control group, as
 * Docker, podman, containerd and CRI-O write them (cgroups(7)).
 */
function containerOf(pid: number): string | undefined {
  const groups = unlessRefused(() => readTextOfAny(`/proc/${pid}/cgroup`), undefined);
  return /[/\-:]([0-9a-f]{64})(?![0-9a-f])/.exec(groups ?? "")?.[1];
}
