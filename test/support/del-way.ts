// How a DEL may reach us, and what may be lost until then.
import { del, mustSucceed, plugin } from "./cni.ts";
import type { Network } from "./network.ts";
import type { Pod, World } from "./world.ts";

export type DelWay = [string, (world: World, network: Network, pod: Pod) => Promise<unknown>];

/** With and without the pod's namespace, with and without our record. */
export const DEL_WAYS: DelWay[] = [
  ["as a runtime sends it", del],
  ["without a namespace", withoutNamespace],
  [
    "without a record",
    async (world, network, pod) => {
      await forgetRecords(world);
      return del(world, network, pod);
    },
  ],
  [
    "without a record and without a namespace",
    async (world, network, pod) => {
      await forgetRecords(world);
      return withoutNamespace(world, network, pod);
    },
  ],
];

async function withoutNamespace(world: World, network: Network, pod: Pod): Promise<unknown> {
  const { containerId } = pod;
  await world.removePod(pod);
  return mustSucceed(await plugin(world, "DEL", { network, containerId, netns: "" }));
}

async function forgetRecords(world: World): Promise<unknown> {
  return world.host.must("rm -r /var/lib/cni/pontoon");
}
