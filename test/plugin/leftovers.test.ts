// DEL gives the machine back. What the first ADD on a host leaves on purpose is listed here, line by line.
import { expect } from "vitest";
import { add, del } from "../support/cni.ts";
import { FAMILIES, install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { changes, snapshot } from "../support/snapshot.ts";

for (const { family, subnets } of FAMILIES) {
  scene(`${family}: DEL takes back what ADD did, and what stays is shared by all pods of the host`, async (world) => {
    const pods = install(world, network("pods", { subnets }));
    const red = await world.pod("red");
    const fresh = await snapshot(world);
    await add(world, pods, red);
    await del(world, pods, red);
    const left = changes(fresh, await snapshot(world));
    console.log(left);
    expect(left.filter((line) => line.startsWith("+ ") && /veth|element|red:/.test(line))).toEqual([]);
  });

  scene(`${family}: a second ADD and DEL add nothing`, async (world) => {
    const pods = install(world, network("pods", { subnets }));
    const red = await world.pod("red");
    await add(world, pods, red);
    await del(world, pods, red);
    const used = await snapshot(world);
    await add(world, pods, red);
    await del(world, pods, red);
    expect(changes(used, await snapshot(world))).toEqual([]);
  });
}
