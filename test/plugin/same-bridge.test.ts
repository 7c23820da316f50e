// Two networks may have overlapping subnets, but on one bridge one address is one pod's.
import { expect } from "vitest";
import { add, addressOf, check, del, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Part } from "../support/snapshot-part.ts";
import { pings } from "../support/traffic.ts";

scene(
  "two networks with one range on one bridge: the second pod of an address is refused, by the name of the first, and leaves nothing",
  async (world) => {
    const subnets = ["10.1.0.0/24"];
    const one = install(world, network("one", { bridge: "shared0", subnets }));
    const other = install(world, network("other", { bridge: "shared0", subnets }));
    const red = await world.pod("red");
    const blue = await world.pod("blue");
    await add(world, one, red);
    const before = await snapshot(world);
    const refusal = mustFail(await plugin(world, "ADD", { network: other, pod: blue }));
    expect(refusal.code).toBe(130);
    expect(refusal.details).toContain("one ");
    // The files of a network stay from its first ADD on: lock, hint, marker.
    const own: Part = (all) =>
      all.below("/var/lib/cni/networks/other").plus(all.below("/var/lib/cni/pontoon/other"));
    expect((await snapshot(world)).minus(before).exceptAdded(own).lines).toEqual([]);
    expect(world.has("/var/lib/cni/networks/other/10.1.0.2")).toBe(false);
    mustSucceed(await plugin(world, "DEL", { network: one, pod: red }));
  },
);

/** One network before and after its leases were moved. */
const [FORMER, LATTER] = ["/var/lib/cni/networks", "/var/lib/cni/moved"].map((dataDir) =>
  network("pods", {
    ipam: {
      type: "host-local",
      ranges: [[{ subnet: "10.1.0.0/24" }]],
      routes: [{ dst: "0.0.0.0/0" }],
      dataDir,
    },
  }),
);

scene(
  "a network whose dataDir was changed: an address of a pod that lives is refused to the next one, which gets another by its next ADD",
  async (world) => {
    const neighbour = await addNeighbour(world);
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    expect(addressOf(await add(world, install(world, FORMER!), red))).toBe("10.1.0.2");
    install(world, LATTER!);
    expect(mustFail(await plugin(world, "ADD", { network: LATTER!, pod: blue }))).toMatchObject({
      code: 130,
      details: expect.stringContaining(`container ${red.containerId} (network pods, eth0)`) as string,
    });
    expect(await pings(red, neighbour.v4)).toBe(true);
    expect(await check(world, LATTER!, red)).toBeUndefined();
    expect(addressOf(await add(world, LATTER!, blue))).toBe("10.1.0.3");
  },
);

scene(
  "a network whose dataDir was changed: when the address of a pod that died goes to another one, its lease in the old directory is not forgotten",
  async (world) => {
    const neighbour = await addNeighbour(world);
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await add(world, install(world, FORMER!), red);
    await red.must("ip link delete eth0");
    install(world, LATTER!);
    expect(addressOf(await add(world, LATTER!, blue))).toBe("10.1.0.2");
    expect(await pings(blue, neighbour.v4)).toBe(true);
    expect(world.has("/var/lib/cni/networks/pods/10.1.0.2")).toBe(true);
    mustSucceed(await collect(world, LATTER!, [blue]));
    expect(world.has("/var/lib/cni/networks/pods/10.1.0.2")).toBe(false);
    expect([await pings(blue, neighbour.v4), await check(world, LATTER!, blue)]).toEqual([true, undefined]);
    await del(world, LATTER!, blue);
    expect((await snapshot(world)).attachments.lines).toEqual([]);
  },
);
