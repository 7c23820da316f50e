// A node that starts many pods at once: none fails, none shares an address, and nothing is left when all are
// gone.
import { expect } from "vitest";
import { add, addressesOf, del } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { warmUp } from "../support/steady.ts";
import { pings } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

const COUNT = 30;
const SUBNETS = ["10.1.0.0/24", "fd01::/64"];

scene(
  `${COUNT} ADDs at once on a fresh host all succeed with addresses of their own, and ${COUNT} DELs at once leave nothing`,
  async (world) => {
    const pods = install(world, network("pods", { subnets: SUBNETS }));
    const all = await manyPods(world);
    const results = await Promise.all(all.map((pod) => add(world, pods, pod)));
    const addresses = results.flatMap(addressesOf);
    expect(new Set(addresses).size).toBe(2 * COUNT);
    for (const pod of all)
      expect([await pings(pod, "10.1.0.1"), await pings(pod, "fd01::1")], pod.name).toEqual([true, true]);
    await Promise.all(all.map((pod) => del(world, pods, pod)));
    const after = await snapshot(world);
    expect(after.attachments.lines).toEqual([]);
    // Rules that several made at once are there once.
    expect(after.minus(await stateAfterOne(world)).lines).toEqual([]);
  },
  90_000,
);

scene(
  "ADDs and DELs mixed at once do not disturb each other",
  async (world) => {
    const pods = install(world, network("pods", { subnets: SUBNETS }));
    await warmUp(world, pods);
    const all = await manyPods(world);
    const before = await snapshot(world);
    const [leaving, coming] = [all.slice(0, COUNT / 2), all.slice(COUNT / 2)];
    await Promise.all(leaving.map((pod) => add(world, pods, pod)));
    await Promise.all([
      ...leaving.map((pod) => del(world, pods, pod)),
      ...coming.map((pod) => add(world, pods, pod)),
    ]);
    for (const pod of coming) expect(await pings(pod, "10.1.0.1"), pod.name).toBe(true);
    await Promise.all(coming.map((pod) => del(world, pods, pod)));
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
  },
  90_000,
);

scene("several networks of one pod at once, as containerd attaches them", async (world) => {
  const names = ["one", "two", "three"];
  const red = await world.pod("red");
  const networks = names.map((name, index) =>
    install(
      world,
      network(name, {
        subnets: [`10.${index + 1}.0.0/24`],
        isDefaultGateway: false,
        ipam: plainIpam(index + 1),
      }),
    ),
  );
  const results = await Promise.all(
    networks.map((one, index) => add(world, one, red, { CNI_IFNAME: `eth${index}` })),
  );
  expect(results.flatMap(addressesOf)).toEqual(["10.1.0.2", "10.2.0.2", "10.3.0.2"]);
  for (const index of [1, 2, 3]) expect(await pings(red, `10.${index}.0.1`)).toBe(true);
  await Promise.all(networks.map((one, index) => del(world, one, red, { CNI_IFNAME: `eth${index}` })));
  expect((await snapshot(world)).attachments.lines).toEqual([]);
});

async function manyPods(world: World): Promise<Pod[]> {
  const all = [];
  for (let index = 0; index < COUNT; index += 1) all.push(await world.pod(`pod-${index}`));
  return all;
}

/** What one more ADD and DEL make of it: nothing, if everything shared was there once and whole. */
async function stateAfterOne(world: World): Promise<Snapshot> {
  await warmUp(world, network("pods", { subnets: SUBNETS }));
  return snapshot(world);
}

function plainIpam(number: number) {
  return { type: "host-local", ranges: [[{ subnet: `10.${number}.0.0/24` }]] };
}
