// A host that has had pods before: what networks share is there, so that a comparison shows what one
// attachment did.
import { add, del } from "./cni.ts";
import type { Network } from "./network.ts";
import { snapshot } from "./snapshot.ts";
import type { Snapshot } from "./snapshot-part.ts";
import type { World } from "./world.ts";

/** Attaches a pod to each network and takes it away again; gives the state after that. */
export async function warmUp(world: World, ...networks: Network[]): Promise<Snapshot> {
  const pod = await world.pod("warm");
  for (const conflist of networks) {
    await add(world, conflist, pod);
    await del(world, conflist, pod);
  }
  await world.removePod(pod);
  return snapshot(world);
}
