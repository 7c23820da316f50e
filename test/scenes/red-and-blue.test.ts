// Two namespaces joined directly, as people learn it with `ip link add … type veth`: here Pontoon does it.
import { expect } from "vitest";
import { add, del } from "../support/cni.ts";
import { linkOf } from "../support/link.ts";
import { install } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { pings } from "../support/traffic.ts";
import { hostLinks, wireNetwork } from "../support/wire.ts";

interface Neighbour {
  dst: string;
  lladdr: string;
}

scene("red and blue wired directly, with the ARP table seen on both sides", async (world) => {
  const lab = install(world, wireNetwork("lab", { subnets: ["192.168.15.0/30"] }));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await add(world, lab, red);
  await add(world, lab, blue);
  // `ip netns exec red ping 192.168.15.2`, then `ip netns exec red arp` and the same in blue.
  expect(await pings(red, "192.168.15.2")).toBe(true);
  for (const [place, other, address] of [
    [red, blue, "192.168.15.2"],
    [blue, red, "192.168.15.1"],
  ] as const) {
    const table = await place.json<Neighbour[]>("ip -j -4 neighbour show dev eth0");
    const { address: lladdr } = await linkOf(other, "eth0");
    expect(table).toMatchObject([{ dst: address, lladdr }]);
  }
  // The node has no part in it: neither an interface nor an entry of its own.
  expect(await hostLinks(world)).toEqual([]);
  expect(await world.host.must("ip neighbour")).toBe("");
  for (const pod of [red, blue]) await del(world, lab, pod);
});
