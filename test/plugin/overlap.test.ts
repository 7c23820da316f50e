// Networks whose subnets overlap, on bridges that have their addresses already (no ADD would make the second
// one): each keeps its own masquerade.
import { expect } from "vitest";
import { capture } from "../support/capture.ts";
import { add, addressOf, check, del } from "../support/cni.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, type Network, network } from "../support/network.ts";
import type { Place } from "../support/place.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import type { Pod, World } from "../support/world.ts";

const CASES = [
  { name: "a subnet inside another network's subnet", first: "10.1.0.0/16", second: "10.1.0.0/24" },
  { name: "the very same subnet on two bridges", first: "10.1.0.0/24", second: "10.1.0.0/24" },
  { name: "the very same IPv6 subnet on two bridges", first: "fd01::/64", second: "fd01::/64" },
];

for (const { name, first, second } of CASES) {
  scene(
    `${name}: both networks attach pods, and the DEL of one leaves the other's masquerade`,
    async (world) => {
      const { one, two, red, blue, neighbour } = await twoNetworks(world, first, second);
      for (const pod of [red, blue]) expect(await isMasqueraded(pod, neighbour)).toBe(true);
      expect([await check(world, one, red), await check(world, two, blue)]).toEqual([undefined, undefined]);
      await del(world, one, red);
      expect(await isMasqueraded(blue, neighbour)).toBe(true);
      expect(await check(world, two, blue)).toBeUndefined();
    },
  );

  scene(`${name}: the rules are gone with the last attachment of their network`, async (world) => {
    const { one, two, red, blue, baseline } = await twoNetworks(world, first, second);
    await del(world, two, blue);
    await del(world, one, red);
    expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
  });
}

scene(
  "two attachments of one pod to one network: the DEL of one leaves the other's masquerade",
  async (world) => {
    const pods = install(
      world,
      network("pods", {
        ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] },
        isGateway: true,
      }),
    );
    const neighbour = await addNeighbour(world);
    const red = await world.pod("red");
    const first = addressOf(await add(world, pods, red));
    const second = addressOf(await add(world, pods, red, { CNI_IFNAME: "eth1" }));
    expect([first, second]).toEqual(["10.1.0.2", "10.1.0.3"]);
    await del(world, pods, red);
    await red.must("ip route add default via 10.1.0.1 dev eth1");
    expect(await isMasqueraded(red, { place: neighbour.place, address: neighbour.v4 })).toBe(true);
  },
);

/** True when a ping from the pod arrives on the neighbour's wire with the host's address on it. */
async function isMasqueraded(
  pod: Pod,
  { place, address }: { place: Place; address: string },
): Promise<boolean> {
  await using dump = await capture(place, "wire", `dst ${address} and (icmp or icmp6)`);
  await pod.exec(`ping -n -c 2 -i 0.1 -W 0.3 ${address}`);
  await dump.says(`> ${address}`);
  return / (192\.168\.50\.1|fd50::1) > /.test(dump.output);
}

async function twoNetworks(world: World, first: string, second: string) {
  const one: Network = install(world, network("one", { subnets: [first] }));
  const two: Network = install(world, network("two", { subnets: [second] }));
  const { place, v4, v6 } = await addNeighbour(world);
  await haveAddress(world, "one0", first);
  await haveAddress(world, "two0", second);
  await warmUp(world, one, two);
  const red = await world.pod("red");
  const blue = await world.pod("blue");
  const baseline = await snapshot(world);
  await add(world, one, red);
  await add(world, two, blue);
  return { one, two, red, blue, baseline, neighbour: { place, address: first.includes(":") ? v6 : v4 } };
}

/** A bridge that has had the gateway's address of `subnet` since before the other network came. */
async function haveAddress(world: World, bridge: string, subnet: string): Promise<void> {
  const gateway = subnet.replace(/(0|::)\//, (end) => (end === "::/" ? "::1/" : "1/"));
  const mac = bridge === "one0" ? "0a:00:00:00:00:71" : "0a:00:00:00:00:72";
  await world.host.must(`ip link add ${bridge} address ${mac} up type bridge`);
  await world.host.must(`ip address add ${gateway} dev ${bridge}${subnet.includes(":") ? " nodad" : ""}`);
}
