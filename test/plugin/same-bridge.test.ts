// Two networks may have overlapping subnets, but on one bridge one address is one pod's.
import { expect } from "vitest";
import { add, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { changes, snapshot } from "../support/snapshot.ts";

scene("two networks with one range on one bridge: the second pod of an address is refused, by the name of the first, and leaves nothing", async (world) => {
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
  expect(changes(before, await snapshot(world)).filter((change) => !/networks\/other|pontoon\/other/.test(change))).toEqual([]);
  expect(world.has("/var/lib/cni/networks/other/10.1.0.2")).toBe(false);
  mustSucceed(await plugin(world, "DEL", { network: one, pod: red }));
});
