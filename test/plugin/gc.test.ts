// GC takes away what belongs to no valid attachment of its network, and nothing else.
import { expect } from "vitest";
import { add, addressOf, check, mustSucceed, plugin } from "../support/cni.ts";
import { collect, redAndBlue } from "../support/collection.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install } from "../support/network.ts";
import { WAYS } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Part } from "../support/snapshot-part.ts";
import { pings } from "../support/traffic.ts";

for (const { way, networkOf } of WAYS) {
  scene(`${way}: what is not valid vanishes, what is valid goes on working`, async (world) => {
    const { pods, red, blue, onlyBlue } = await redAndBlue(world, networkOf);
    mustSucceed(await collect(world, pods, [blue]));
    expect((await snapshot(world)).minus(onlyBlue).lines).toEqual([]);
    const neighbour = await addNeighbour(world);
    expect((await red.exec("ip link show eth0")).status).not.toBe(0);
    expect(await pings(blue, neighbour.v4)).toBe(true);
    expect(await check(world, pods, blue)).toBeUndefined();
  });

  scene(`${way}: GC twice is GC once, and prints nothing`, async (world) => {
    const { pods, blue, onlyBlue } = await redAndBlue(world, networkOf);
    for (const time of ["first", "second"]) {
      expect(mustSucceed(await collect(world, pods, [blue])).stdout, time).toBe("");
      expect((await snapshot(world)).minus(onlyBlue).lines, time).toEqual([]);
    }
  });

  scene(`${way}: GC needs no record: rules and links say themselves whose they are`, async (world) => {
    const { pods, red, nobody } = await redAndBlue(world, networkOf);
    await world.host.must("rm -r /var/lib/cni/pontoon");
    mustSucceed(await collect(world, pods, [{ containerId: "nobody" }]));
    const after = await snapshot(world);
    expect(after.attachments.lines).toEqual([]);
    const removedHere: Part = (all) => all.below("/var/lib/cni/pontoon");
    expect(after.minus(nobody).exceptLost(removedHere).lines).toEqual([]);
    // The freed names and addresses serve the next ADD.
    mustSucceed(await plugin(world, "ADD", { network: pods, pod: red }));
  });

  scene(
    `${way}: the mark of rules that were put back for nobody goes, and that of a valid attachment stays`,
    async (world) => {
      const { pods, blue } = await redAndBlue(world, networkOf);
      mustSucceed(await collect(world, pods, [blue]));
      const record = (await world.host.must("find /var/lib/cni/pontoon/pods -name *.json")).trim();
      // `pontoon restore` marks whom it puts back rules for, and may be killed before it takes back the mark
      // of one that has gone.
      const [ofBlue, ofNobody] = [
        record.replace(".json", ".restored"),
        `/var/lib/cni/pontoon/pods/${"0".repeat(32)}.restored`,
      ];
      for (const mark of [ofBlue, ofNobody]) world.write(mark, "");
      mustSucceed(await collect(world, pods, [blue]));
      expect([ofBlue, ofNobody].map((mark) => world.has(mark))).toEqual([true, false]);
    },
  );

  scene(`${way}: another network is left alone`, async (world) => {
    const { pods } = await redAndBlue(world, networkOf);
    const others = install(world, networkOf("others", { subnets: ["10.2.0.0/24"] }));
    const green = await world.pod("green");
    const address = addressOf(await add(world, others, green));
    mustSucceed(await collect(world, pods, []));
    expect(await check(world, others, green)).toBeUndefined();
    expect(await pings(world.host, address)).toBe(true);
  });
}
