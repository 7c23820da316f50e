// GC goes by the list of valid attachments that the runtime gives, in every form that it may have.
import { expect } from "vitest";
import { cnitool, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { collect, listed, redAndBlue } from "../support/collection.ts";
import { network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";

const LEASES = "/var/lib/cni/networks/pods";

scene("a list that is empty or null means that nothing is valid", async (world) => {
  for (const more of [{ "cni.dev/valid-attachments": [] }, { "cni.dev/attachments": null }]) {
    const { pods, red, blue, nobody } = await redAndBlue(world);
    mustSucceed(await plugin(world, "GC", { network: pods, more }));
    expect((await snapshot(world)).minus(nobody).lines).toEqual([]);
    await Promise.all([red, blue].map((pod) => world.removePod(pod)));
    await world.host.must("rm -rf /var/lib/cni/results");
  }
});

scene("a GC without a list is refused, and nothing is touched", async (world) => {
  const { pods } = await redAndBlue(world);
  const before = await snapshot(world);
  expect(mustFail(await plugin(world, "GC", { network: pods, more: {} }))).toMatchObject({
    code: 7,
    msg: expect.stringContaining("cni.dev/valid-attachments is missing") as string,
    details: expect.stringContaining("would remove all of them") as string,
  });
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
});

scene(
  "cnitool gc, which sends no list, removes what libcni remembers, and is refused the rest",
  async (world) => {
    const { pods, red, nobody } = await redAndBlue(world);
    const outcome = await cnitool(world, "gc", pods.name, red);
    expect(outcome.status).toBe(1);
    expect(outcome.stdout + outcome.stderr).toContain("cni.dev/valid-attachments is missing");
    expect((await snapshot(world)).minus(nobody).lines).toEqual([]);
  },
);

scene("an attachment counts as valid under the old name of the key, too", async (world) => {
  const { pods, red, blue } = await redAndBlue(world);
  const before = await snapshot(world);
  const more = { "cni.dev/valid-attachments": listed([blue]), "cni.dev/attachments": listed([red]) };
  mustSucceed(await plugin(world, "GC", { network: pods, more }));
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
});

scene(
  "leases of another program in the same directory follow the same list; an empty one is nobody's",
  async (world) => {
    const { pods, blue, onlyBlue } = await redAndBlue(world);
    world.write(`${LEASES}/10.1.0.50`, "stranger\r\neth0");
    world.write(`${LEASES}/10.1.0.51`, "guest\r\neth0");
    world.write(`${LEASES}/10.1.0.52`, "guest");
    world.write(`${LEASES}/10.1.0.53`, "");
    mustSucceed(await collect(world, pods, [blue, { containerId: "guest" }]));
    const leases = (await snapshot(world)).leases.minus(onlyBlue.leases);
    expect(leases.lines).toEqual([`+ file ${LEASES}/10.1.0.51`, `+ file ${LEASES}/10.1.0.52`]);
  },
);

scene("a list that cannot be understood is an error, and nothing is touched", async (world) => {
  const { pods } = await redAndBlue(world);
  const before = await snapshot(world);
  for (const list of ["none", [{ ifname: "eth0" }], [5], {}]) {
    const error = mustFail(
      await plugin(world, "GC", { network: pods, more: { "cni.dev/valid-attachments": list } }),
    );
    expect([6, 7]).toContain(error.code);
  }
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
});

scene("GC works with a config whose ranges are invalid by now", async (world) => {
  const { nobody } = await redAndBlue(world);
  mustSucceed(await collect(world, network("pods", { subnets: ["nonsense"] }), []));
  expect((await snapshot(world)).minus(nobody).lines).toEqual([]);
});
