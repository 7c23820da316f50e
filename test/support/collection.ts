// Two pods on one network, and a GC that knows some of them.
import { add, plugin } from "./cni.ts";
import { install, type Network, network } from "./network.ts";
import type { Outcome } from "./process.ts";
import type { NetworkOf } from "./ptp.ts";
import { snapshot } from "./snapshot.ts";
import type { Snapshot } from "./snapshot-part.ts";
import { warmUp } from "./steady.ts";
import type { Pod, World } from "./world.ts";

/** Both attached; with the states before that, and with blue alone. */
export async function redAndBlue(
  world: World,
  networkOf: NetworkOf = network,
): Promise<{ pods: Network; red: Pod; blue: Pod; nobody: Snapshot; onlyBlue: Snapshot }> {
  const pods = install(world, networkOf("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] }));
  await warmUp(world, pods);
  const red = await world.pod("red");
  const blue = await world.pod("blue");
  const nobody = await snapshot(world);
  await add(world, pods, blue);
  const onlyBlue = await snapshot(world);
  await add(world, pods, red);
  return { pods, red, blue, nobody, onlyBlue };
}

/** GC with these attachments as the valid ones. */
export function collect(world: World, conflist: Network, valid: { containerId: string }[]): Promise<Outcome> {
  return plugin(world, "GC", { network: conflist, more: { "cni.dev/valid-attachments": listed(valid) } });
}

/** Attachments as the runtime lists them. */
export function listed(valid: { containerId: string }[]): { containerID: string; ifname: string }[] {
  return valid.map(({ containerId }) => ({ containerID: containerId, ifname: "eth0" }));
}
