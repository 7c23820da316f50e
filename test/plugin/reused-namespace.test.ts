// The path of a namespace leads to another pod by now: a DEL of the pod before takes nothing of it.
import { expect } from "vitest";
import { type CniResult, mustSucceed, type PluginCall, plugin } from "../support/cni.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, type Network, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

/** Attaches one container after the other in one namespace, both with the same address. */
async function twoInTurn(world: World, pods: Network, red: Pod) {
  const old: PluginCall = { network: pods, pod: red, containerId: "old" };
  const next: PluginCall = { network: pods, pod: red, containerId: "next" };
  const prevResult = await attached(world, old);
  mustSucceed(await plugin(world, "DEL", { ...old, more: { prevResult } }));
  await world.host.must("rm -f /var/lib/cni/networks/pods/last_reserved_ip.0");
  expect((await attached(world, next)).ips).toEqual(prevResult.ips);
  return { old, next, prevResult };
}

async function attached(world: World, call: PluginCall): Promise<CniResult> {
  return JSON.parse(mustSucceed(await plugin(world, "ADD", call)).stdout) as CniResult;
}

for (const memory of ["with", "without"] as const) {
  scene(
    `a repeated DEL, ${memory} its result, leaves the next pod alone, though MAC and address are the same`,
    async (world) => {
      const pods = install(world, network("pods"));
      const red = await world.pod("red");
      const { old, next, prevResult } = await twoInTurn(world, pods, red);
      const before = await snapshot(world);
      mustSucceed(await plugin(world, "DEL", { ...old, more: memory === "with" ? { prevResult } : {} }));
      expect((await snapshot(world)).minus(before).lines).toEqual([]);
      expect(await pings(red, "10.1.0.1")).toBe(true);
      mustSucceed(await plugin(world, "DEL", next));
    },
  );
}

scene("a late DEL whose record names another namespace leaves the pod in its path alone", async (world) => {
  const pods = install(world, network("pods"));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  const old: PluginCall = { network: pods, pod: red, containerId: "old" };
  const prevResult = await attached(world, old);
  await world.host.must(`ip link delete ${await hostLinkOf(world, red)}`);
  await blue.must("ip link add eth0 type veth peer name other");
  await blue.must(`ip link set eth0 address ${prevResult.interfaces?.find(({ sandbox }) => sandbox)?.mac}`);
  mustSucceed(await plugin(world, "DEL", { ...old, pod: blue, more: { prevResult } }));
  expect((await blue.exec("ip link show eth0")).status).toBe(0);
});
