// What nobody cleaned up heals by itself: no administrator has to delete files.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { add, addressOf, check, del } from "../support/cni.ts";
import { dies, hostLinkOf } from "../support/link.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";
import { openWorld, type World } from "../support/world.ts";

scene("a full pool gets back the address of a pod whose namespace vanished without a DEL", async (world) => {
  const pods = install(world, oneAddress());
  const red = await world.pod("red");
  const address = addressOf(await add(world, pods, red));
  await dies(world, red);
  const blue = await world.pod("blue");
  expect(addressOf(await add(world, pods, blue))).toBe(address);
  expect(await pings(blue, "10.1.0.1")).toBe(true);
  expect(await check(world, pods, blue)).toBeUndefined();
});

scene("and also when another namespace has the path of the one that vanished", async (world) => {
  const pods = install(world, oneAddress());
  const red = await world.pod("red");
  const address = addressOf(await add(world, pods, red));
  await dies(world, red);
  await world.pod("red");
  expect(addressOf(await add(world, pods, await world.pod("blue")))).toBe(address);
});

scene(
  "after a reboot the leases of before are free again, and those of other programs stay",
  async (world) => {
    const pods = install(world, oneAddress());
    await add(world, pods, await world.pod("red"));
    await using rebooted = await openWorld();
    copyState(world, rebooted, ["networks/pods", "pontoon/pods"]);
    rebooted.write("/var/lib/cni/networks/pods/10.1.0.9", "stranger\r\neth0");
    install(rebooted, pods);
    const blue = await rebooted.pod("blue");
    expect(addressOf(await add(rebooted, pods, blue))).toBe("10.1.0.5");
    expect(rebooted.has("/var/lib/cni/networks/pods/10.1.0.9")).toBe(true);
    expect((await snapshot(rebooted)).records.lines).toHaveLength(1);
  },
);

scene("a ruleset that somebody flushed comes back whole with the next ADD, for all pods", async (world) => {
  const pods = install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] }));
  const neighbour = await addNeighbour(world);
  const red = await world.pod("red");
  await add(world, pods, red);
  for (const harm of [
    "nft flush ruleset",
    "nft flush table inet pontoon",
    "nft flush chain inet pontoon postrouting",
  ]) {
    await world.host.must(harm);
    expect(await pings(red, neighbour.v4), harm).toBe(false);
    const blue = await world.pod("blue");
    await add(world, pods, blue);
    for (const pod of [red, blue])
      expect(
        [await pings(pod, neighbour.v4), await pings(pod, neighbour.v6)],
        `${harm}, ${pod.name}`,
      ).toEqual([true, true]);
    expect(await check(world, pods, red)).toBeUndefined();
    await del(world, pods, blue);
    await world.removePod(blue);
  }
});

scene("a gateway address that was lost comes back with the next ADD", async (world) => {
  const pods = install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] }));
  const red = await world.pod("red");
  await add(world, pods, red);
  await world.host.must(["sh", "-e", "-c", "ip link set pods0 down; ip address flush dev pods0"]);
  await add(world, pods, await world.pod("blue"));
  expect([await pings(red, "10.1.0.1"), await pings(red, "fd01::1")]).toEqual([true, true]);
  expect(await check(world, pods, red)).toBeUndefined();
});

scene("a leftover link with the name that the pod's link has to have is replaced", async (world) => {
  const pods = install(world, network("pods"));
  const red = await world.pod("red");
  await add(world, pods, red);
  const name = await hostLinkOf(world, red);
  await del(world, pods, red);
  await world.host.must(`ip link add ${name} type veth peer name leftover`);
  await add(world, pods, red);
  expect(await hostLinkOf(world, red)).toBe(name);
  expect(await pings(red, "10.1.0.1")).toBe(true);
});

/** What a disk keeps over a reboot. */
function copyState(from: World, to: World, folders: string[]): void {
  for (const folder of folders.map((name) => join("/var/lib/cni", name))) {
    for (const name of readdirSync(from.outside(folder)))
      to.write(join(folder, name), from.read(join(folder, name)));
  }
}

function oneAddress() {
  const pods = network("pods");
  pods.plugins[0].ipam!.ranges = [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.5" }]];
  return pods;
}
