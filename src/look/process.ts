// The processes of the node that have sockets open, by /proc. A process of another user, or one that ends
// meanwhile, is passed over.

import type { Process } from "../plan/listener.ts";
import { orNone, unlessRefused } from "../sys/errno.ts";
import { listDirectory, readTextOfAny } from "../sys/file.ts";
import { fileIdentity, socketInode } from "../sys/status.ts";

/**
 * The most descriptors of one process, and of all, that are looked at. A listener is among a program's first.
 */
const MOST_OF_ONE = 4_096;
const MOST_OF_ALL = 65_536;

/** The network namespace of a process, or of this thread. */
const namespaceOf = (process: string): string | undefined =>
  unlessRefused(() => fileIdentity(`/proc/${process}/ns/net`), undefined);

/**
 * The processes that have these sockets open, by the inodes of the sockets. Processes in the network
 * namespace of this thread alone are looked at, and as many descriptors as an honest node has: a pod could
 * make the look as long as it likes.
 */
export function findHolders(inodes: ReadonlySet<number>): Map<number, Process[]> {
  const holders = new Map<number, Process[]>();
  const own = namespaceOf("thread-self");
  let left = MOST_OF_ALL;
  for (const name of orNone(() => listDirectory("/proc"))) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || namespaceOf(name) !== own) continue;
    const folder = `/proc/${pid}/fd`;
    const descriptors = orNone(() => listDirectory(folder, MOST_OF_ONE)).slice(
      0,
      Math.min(MOST_OF_ONE, left),
    );
    left -= descriptors.length;
    const held = heldBy(folder, descriptors, inodes);
    if (held.size === 0) continue;
    const process = readProcess(pid);
    for (const inode of held) {
      const known = holders.get(inode);
      if (known === undefined) holders.set(inode, [process]);
      else known.push(process);
    }
  }
  return holders;
}

function heldBy(folder: string, descriptors: string[], inodes: ReadonlySet<number>): Set<number> {
  const held = new Set<number>();
  for (const fd of descriptors)
    for (const inode of orNone(() => [socketInode(`${folder}/${fd}`)]))
      if (inode !== undefined && inodes.has(inode)) held.add(inode);
  return held;
}

/** Name and arguments of a process; empty where it has ended. */
export function readProcess(pid: number): Process {
  const read = (file: string): string =>
    unlessRefused(() => readTextOfAny(`/proc/${pid}/${file}`), undefined) ?? "";
  return { pid, name: read("comm").trim(), arguments: read("cmdline").split("\0") };
}
