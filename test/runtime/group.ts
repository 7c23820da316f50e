// Groups of processes that a runtime made in a test. They cannot be private to a world.
import type { World } from "../support/world.ts";

/** Removes the empty groups of all hierarchies whose path has this name in it. */
export async function removeGroups(world: World, name: string): Promise<void> {
  await world.host.exec([
    "sh",
    "-c",
    `find /sys/fs/cgroup -depth -type d -path '*/${name}*' -exec rmdir {} +`,
  ]);
}
