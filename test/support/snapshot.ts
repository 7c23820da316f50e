// Taking a snapshot: the state of a world at one moment. Left out: what the kernel makes by itself and when
// it likes (link-local addresses, MACs nobody gave, neighbours), and the result cache of the runtime.
import { fileThings } from "./snapshot-files.ts";
import { nftThings, ruleThings, sysctlThings } from "./snapshot-kernel.ts";
import { networkThings } from "./snapshot-links.ts";
import { Snapshot } from "./snapshot-part.ts";
import type { World } from "./world.ts";

/** Everything in the world that a plugin may change. */
export async function snapshot(world: World): Promise<Snapshot> {
  const parts = await Promise.all([
    networkThings(world.host),
    ruleThings(world.host),
    nftThings(world.host),
    sysctlThings(world.host),
    fileThings(world),
    ...world.pods.map((pod) => networkThings(pod)),
  ]);
  return new Snapshot(parts.flat());
}

/** The files and folders alone: for a test that asks often, while something goes on. */
export async function snapshotOfFiles(world: World): Promise<Snapshot> {
  return new Snapshot(await fileThings(world));
}
