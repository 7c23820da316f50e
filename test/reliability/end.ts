// The end of processes that a case left behind, each found by the host that it is in.
import { readdirSync, readlinkSync } from "node:fs";
import type { World } from "../support/world.ts";

/** Kills what still runs in a throw-away host, but for the process that holds it. */
export async function endAllIn(world: World): Promise<void> {
  const holder = Number(/^\/proc\/(\d+)\//.exec(world.hostNamespace)?.[1]);
  const own = mountsOf(holder);
  if (own === undefined) return;
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === holder || mountsOf(pid) !== own) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      // ESRCH: it has ended by itself.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** The mount namespace of a process; undefined when the process is gone. */
function mountsOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}
