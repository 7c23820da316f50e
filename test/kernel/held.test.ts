// The helper that holds a call at one system call holds it there, before it, and lets it go on unharmed.
import { expect } from "vitest";
import { mustSucceed, plugin } from "../support/cni.ts";
import { holdAt, holdAtOrEnd, holdCommandAt } from "../support/held.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { atEveryMoment } from "../support/strace.ts";
import type { World } from "../support/world.ts";

scene("a command stands before the system call, and goes on to its own exit status", async (world) => {
  await using held = await holdCommandAt(world, ["sh", "-c", "mkdir /run/one; echo said; exit 7"], {
    kind: "write",
    count: 1,
  });
  expect([held.stands, held.isOver, world.has("/run/one")]).toEqual([true, false, true]);
  expect(await held.goOn()).toMatchObject({ status: 7, stdout: "said\n", stderr: "" });
  expect([held.stands, held.isOver]).toEqual([false, true]);
});

scene(
  "the system call at which it stands has not begun, and never happens when the call is killed there",
  async (world) => {
    const held = await holdCommandAt(world, ["mkdir", "/run/one"], { kind: "mkdir", count: 1 });
    expect(world.has("/run/one")).toBe(false);
    await held.kill();
    expect((await held.outcome).status).toBeUndefined();
    expect([world.has("/run/one"), held.isOver]).toEqual([false, true]);
  },
);

scene("a call that ends before the moment is an error, with what it did", async (world) => {
  await expect(holdCommandAt(world, ["mkdir", "/run/one"], { kind: "mkdir", count: 2 })).rejects.toThrow(
    /No call stands still before mkdir 2\.\n.*mkdir \/run\/one\nexit status: 0/s,
  );
});

scene("a call that does not stand still until the end is an error: letting it go on twice", async (world) => {
  const held = await holdCommandAt(world, ["mkdir", "/run/one"], { kind: "mkdir", count: 1 });
  expect((await held.goOn()).status).toBe(0);
  await expect(held.goOn()).rejects.toThrow("No call stands still before mkdir 1.");
});

scene("an ADD and a DEL of different pods stand still at once, and both go on", async (world) => {
  const { call, other } = await twoPods(world);
  await using adding = await holdAt(world, "ADD", call, { kind: "sendto", count: 3 });
  mustSucceed(await plugin(world, "ADD", other));
  await using deleting = await holdAt(world, "DEL", other, { kind: "unlinkat", count: 1 });
  expect([adding.stands, deleting.stands]).toEqual([true, true]);
  mustSucceed(await deleting.goOn());
  expect(JSON.parse(mustSucceed(await adding.goOn()).stdout)).toMatchObject({ ips: [expect.anything()] });
});

scene(
  "every netlink request of an ADD is a moment: the ADD stands there, and is whole afterwards",
  async (world) => {
    const { call } = await twoPods(world);
    const moments = await atEveryMoment(
      async (moment) => {
        await using adding = await holdAtOrEnd(world, "ADD", call, moment);
        const stood = !adding.isOver;
        // Something that takes a while: the ADD stands until it is over.
        await snapshot(world);
        mustSucceed(stood ? await adding.goOn() : await adding.outcome);
        expect((await snapshot(world)).hostEnds.links.lines).toHaveLength(1);
        mustSucceed(await plugin(world, "DEL", call));
        return stood;
      },
      ["sendto"],
    );
    expect(moments).toBeGreaterThan(0);
  },
  60_000,
);

async function twoPods(world: World) {
  const pods = install(world, network("pods"));
  return {
    call: { network: pods, pod: await world.pod("red") },
    other: { network: pods, pod: await world.pod("blue") },
  };
}
