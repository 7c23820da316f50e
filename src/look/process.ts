// The processes of the node that have sockets open, by /proc. A process of another user, or one that ends
// meanwhile, is passed over.

import type { Process } from "../plan/listener.ts";
import { SystemError } from "../sys/errno.ts";
import { listDirectory, readTextOfAny, socketInode } from "../sys/file.ts";

/** The processes that have these sockets open, by the inodes of the sockets. Reads all of /proc. */
export function findHolders(inodes: ReadonlySet<number>): Map<number, Process[]> {
  const holders = new Map<number, Process[]>();
  for (const name of orNone(() => listDirectory("/proc"))) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const held = heldBy(pid, inodes);
    if (held.size === 0) continue;
    const process = readProcess(pid);
    for (const inode of held) holders.set(inode, [...(holders.get(inode) ?? []), process]);
  }
  return holders;
}

function heldBy(pid: number, inodes: ReadonlySet<number>): Set<number> {
  const folder = `/proc/${pid}/fd`;
  const held = orNone(() => listDirectory(folder)).flatMap((fd) =>
    orNone(() => [socketInode(`${folder}/${fd}`)]).filter((inode) => inode !== undefined),
  );
  return new Set(held.filter((inode) => inodes.has(inode)));
}

function readProcess(pid: number): Process {
  const read = (file: string): string => orNone(() => [readTextOfAny(`/proc/${pid}/${file}`) ?? ""])[0] ?? "";
  return { pid, name: read("comm").trim(), arguments: read("cmdline").split("\0") };
}

function orNone<T>(look: () => T[]): T[] {
  try {
    return look();
  } catch (error) {
    if (error instanceof SystemError) return [];
    throw error;
  }
}
