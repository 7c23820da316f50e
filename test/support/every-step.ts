// A network whose ADD has a step of nearly every kind, for tests that hurt each of them.
import { addDirectly, type PluginCall } from "./cni.ts";
import { install, network } from "./network.ts";
import type { NetworkOf } from "./ptp.ts";
import { snapshot } from "./snapshot.ts";
import type { Snapshot } from "./snapshot-part.ts";
import { warmUp } from "./steady.ts";
import { toolPath } from "./tool.ts";
import type { World } from "./world.ts";

/** A call for pod red, on a host where what networks share is there and pod resident has to lose nothing. */
export async function hostForAllSteps(
  world: World,
  networkOf: NetworkOf = network,
): Promise<{ call: PluginCall; baseline: Snapshot }> {
  const pods = install(
    world,
    networkOf("pods", {
      subnets: ["10.1.0.0/24", "fd01::/64"],
      macspoofchk: true,
      ingressPolicy: "isolated",
      ingressRate: 20_000_000,
      egressRate: 20_000_000,
    }),
  );
  for (const program of ["iptables-nft", "ip6tables-nft"])
    await world.host.must(`${toolPath(program)} -P FORWARD DROP`);
  await warmUp(world, pods);
  await addDirectly(world, { network: pods, pod: await world.pod("resident") });
  const pod = await world.pod("red");
  return { call: { network: pods, pod }, baseline: await snapshot(world) };
}
