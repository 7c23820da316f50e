// Reachable at once: nobody waits for an old neighbour entry to die or for an address to be tested.
// Judged by the first ping that is answered, of pings 10 ms apart, started when ADD has returned.
import { expect } from "vitest";
import { add, addressOf, addressesOf, del } from "../support/cni.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { FAMILIES, install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { firstAnswer, pings } from "../support/traffic.ts";

const CASES = [
  { family: "IPv4", range: { subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.6" } },
  { family: "IPv6", range: { subnet: "fd01::/64", rangeStart: "fd01::5", rangeEnd: "fd01::6" } },
];

for (const { family, range } of CASES) {
  scene(`${family}: a reused address with a new MAC is reached at once by the host and by a pod that knew the old one`, async (world) => {
    const pods = network("pods");
    pods.plugins[0].ipam!.ranges = [[range]];
    install(world, pods);
    const peer = await world.pod("peer");
    await add(world, pods, peer);
    for (const name of ["red", "blue", "green"]) {
      const pod = await world.pod(name);
      const address = addressOf(await add(world, pods, pod));
      expect(address).toBe(range.rangeEnd);
      const answers = await Promise.all([firstAnswer(world.host, address), firstAnswer(peer, address)]);
      for (const answer of answers) expect(answer, `${name} answers ping`).toBeLessThanOrEqual(2);
      // Both know this one's MAC now; the next pod has another.
      expect([await pings(world.host, address), await pings(peer, address)]).toEqual([true, true]);
      await del(world, pods, pod);
    }
  });
}

for (const { family, subnets } of FAMILIES) {
  scene(`${family}: the first pod on a fresh bridge pings the gateway at once`, async (world) => {
    const red = await world.pod("red");
    const result = await add(world, install(world, network("pods", { subnets })), red);
    for (const { gateway } of result.ips!) expect(await firstAnswer(red, gateway!)).toBeLessThanOrEqual(2);
  });

  scene(`${family}: the first pod on a fresh bridge is reached at once from beyond the node`, async (world) => {
    const neighbour = await addNeighbour(world);
    const result = await add(world, install(world, network("pods", { subnets })), await world.pod("red"));
    for (const address of addressesOf(result)) {
      await neighbour.place.must(`ip route add ${address} via ${address.includes(":") ? neighbour.host6 : neighbour.host4}`);
      expect(await firstAnswer(neighbour.place, address)).toBeLessThanOrEqual(2);
    }
  });

  scene(`${family}: a pod that nobody knows is reached at once by the host and by another pod`, async (world) => {
    const pods = install(world, network("pods", { subnets }));
    const red = await world.pod("red");
    const blue = await world.pod("blue");
    await add(world, pods, red);
    for (const address of addressesOf(await add(world, pods, blue))) {
      expect(await firstAnswer(world.host, address)).toBeLessThanOrEqual(2);
      expect(await firstAnswer(red, address)).toBeLessThanOrEqual(2);
    }
  });
}
