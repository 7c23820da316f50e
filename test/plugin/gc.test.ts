// GC takes away what belongs to no valid attachment of its network, and nothing else.
import { expect } from "vitest";
import { add, addressOf, check, cnitool, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, type Network, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { changes, snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { pings } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

const SUBNETS = ["10.1.0.0/24", "fd01::/64"];
const LEASES = "/var/lib/cni/networks/pods";

scene("what is not valid vanishes, what is valid goes on working", async (world) => {
  const { pods, red, blue, onlyBlue } = await redAndBlue(world);
  const neighbour = await addNeighbour(world);
  const before = await snapshot(world);
  mustSucceed(await collect(world, pods, [blue]));
  expect(changes(before, await snapshot(world)).filter((line) => line.startsWith("+ "))).toEqual([]);
  expect(missing(onlyBlue, await snapshot(world))).toEqual([]);
  expect((await red.exec("ip link show eth0")).status).not.toBe(0);
  expect(await pings(blue, neighbour.v4)).toBe(true);
  expect(await check(world, pods, blue)).toBeUndefined();
});

scene("GC twice is GC once, and prints nothing", async (world) => {
  const { pods, blue, onlyBlue } = await redAndBlue(world);
  for (const time of ["first", "second"]) {
    expect(mustSucceed(await collect(world, pods, [blue])).stdout, time).toBe("");
    expect(changes(onlyBlue, await snapshot(world)), time).toEqual([]);
  }
});

scene("GC needs no record: rules and links say themselves whose they are", async (world) => {
  const { pods, red, onlyBlue } = await redAndBlue(world);
  await world.host.must("rm -r /var/lib/cni/pontoon");
  mustSucceed(await collect(world, pods, [{ containerId: "nobody" }]));
  const after = await snapshot(world);
  expect(after.filter((line) => /^(link veth|nft element|file .*\/(10\.1|fd01))/.test(line))).toEqual([]);
  expect(changes(onlyBlue, after).filter((line) => line.startsWith("+ ") && !line.includes("/pontoon"))).toEqual([]);
  // The freed names and addresses serve the next ADD.
  mustSucceed(await plugin(world, "ADD", { network: pods, pod: red }));
});

scene("a list that is empty, null or absent means that nothing is valid", async (world) => {
  for (const more of [{ "cni.dev/valid-attachments": [] }, { "cni.dev/valid-attachments": null }, {}]) {
    const { pods, red, blue, nobody } = await redAndBlue(world);
    mustSucceed(await plugin(world, "GC", { network: pods, more }));
    expect(changes(nobody, await snapshot(world)).filter((line) => line.startsWith("+ "))).toEqual([]);
    await Promise.all([red, blue].map((pod) => world.removePod(pod)));
    await world.host.must("rm -rf /var/lib/cni/results");
  }
});

scene("cnitool gc clears the whole network", async (world) => {
  const { pods, red, nobody } = await redAndBlue(world);
  mustSucceed(await cnitool(world, "gc", pods.name, red));
  expect(changes(nobody, await snapshot(world)).filter((line) => line.startsWith("+ "))).toEqual([]);
});

scene("an attachment counts as valid under the old name of the key, too", async (world) => {
  const { pods, red, blue } = await redAndBlue(world);
  const before = await snapshot(world);
  const more = { "cni.dev/valid-attachments": listed([blue]), "cni.dev/attachments": listed([red]) };
  mustSucceed(await plugin(world, "GC", { network: pods, more }));
  expect(changes(before, await snapshot(world))).toEqual([]);
});

scene("another network is left alone", async (world) => {
  const { pods } = await redAndBlue(world);
  const others = install(world, network("others", { subnets: ["10.2.0.0/24"] }));
  const green = await world.pod("green");
  const address = addressOf(await add(world, others, green));
  mustSucceed(await collect(world, pods, []));
  expect(await check(world, others, green)).toBeUndefined();
  expect(await pings(world.host, address)).toBe(true);
});

scene("leases of another program in the same directory follow the same list; an empty one is nobody's", async (world) => {
  const { pods, blue } = await redAndBlue(world);
  world.write(`${LEASES}/10.1.0.50`, "stranger\r\neth0");
  world.write(`${LEASES}/10.1.0.51`, "guest\r\neth0");
  world.write(`${LEASES}/10.1.0.52`, "guest");
  world.write(`${LEASES}/10.1.0.53`, "");
  mustSucceed(await collect(world, pods, [blue, { containerId: "guest" }]));
  const leases = (await snapshot(world)).filter((line) => /\/10\.1\.0\.5\d$/.test(line));
  expect(leases).toEqual([`file ${LEASES}/10.1.0.51`, `file ${LEASES}/10.1.0.52`]);
});

scene("a list that cannot be understood is an error, and nothing is touched", async (world) => {
  const { pods } = await redAndBlue(world);
  const before = await snapshot(world);
  for (const list of ["none", [{ ifname: "eth0" }], [5], {}]) {
    const error = mustFail(await plugin(world, "GC", { network: pods, more: { "cni.dev/valid-attachments": list } }));
    expect([6, 7]).toContain(error.code);
  }
  expect(changes(before, await snapshot(world))).toEqual([]);
});

scene("GC works with a config whose ranges are invalid by now", async (world) => {
  const { nobody } = await redAndBlue(world);
  mustSucceed(await collect(world, network("pods", { subnets: ["nonsense"] }), []));
  expect(changes(nobody, await snapshot(world)).filter((line) => line.startsWith("+ "))).toEqual([]);
});

/** Both attached; with the states before that, and with blue alone. */
async function redAndBlue(world: World): Promise<{ pods: Network; red: Pod; blue: Pod; nobody: string[]; onlyBlue: string[] }> {
  const pods = install(world, network("pods", { subnets: SUBNETS }));
  await warmUp(world, pods);
  const red = await world.pod("red");
  const blue = await world.pod("blue");
  const nobody = await snapshot(world);
  await add(world, pods, blue);
  const onlyBlue = await snapshot(world);
  await add(world, pods, red);
  return { pods, red, blue, nobody, onlyBlue };
}

function collect(world: World, conflist: Network, valid: { containerId: string }[]) {
  return plugin(world, "GC", { network: conflist, more: { "cni.dev/valid-attachments": listed(valid) } });
}

function listed(valid: { containerId: string }[]): { containerID: string; ifname: string }[] {
  return valid.map(({ containerId }) => ({ containerID: containerId, ifname: "eth0" }));
}

/** What should be there and is not. */
function missing(wanted: string[], there: string[]): string[] {
  return wanted.filter((line) => !there.includes(line) && !line.startsWith("sysctl"));
}
