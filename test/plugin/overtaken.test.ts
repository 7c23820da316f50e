// A DEL for an ADD that still runs: its runtime died and was started again, the plugin lived on. Nothing of
// it may stay, and an address must not be free while somebody still sets it up.
import { expect } from "vitest";
import { mustFail, mustSucceed, type PluginCall, plugin } from "../support/cni.ts";
import { holdAt, holdAtOrEnd } from "../support/held.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot, snapshotOfFiles } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { atEveryMoment, type Moment } from "../support/strace.ts";
import { waitFor } from "../support/wait.ts";
import type { World } from "../support/world.ts";

scene(
  "a DEL at any moment of an ADD stops it, and leaves nothing",
  async (world) => {
    const { call, left, hasStopped } = await stage(world);
    let stopped = 0;
    await atEveryMoment(
      async (moment) => {
        await using adding = await holdAtOrEnd(world, "ADD", call, moment);
        if (adding.isOver) {
          mustSucceed(await adding.outcome);
          mustSucceed(await plugin(world, "DEL", call));
          return false;
        }
        const isKnown = !(await snapshotOfFiles(world)).intents.isEmpty;
        const deleting = plugin(world, "DEL", call);
        // Else the ADD has not begun, or is over but for its answer.
        if (isKnown) await waitFor("the DEL has told the ADD to stop", hasStopped);
        else mustSucceed(await deleting);
        const outcome = await adding.goOn();
        expect(isKnown ? mustFail(outcome) : mustSucceed(outcome), nameOf(moment)).toMatchObject(
          isKnown ? STOPPED : { status: 0 },
        );
        mustSucceed(await deleting);
        if (isKnown) stopped += 1;
        else mustSucceed(await plugin(world, "DEL", call));
        expect(await left(), nameOf(moment)).toEqual([]);
        return true;
      },
      ["sendto"],
    );
    expect(stopped).toBeGreaterThan(0);
  },
  120_000,
);

scene(
  "a DEL that looks only when the ADD that it stopped has ended leaves nothing either",
  async (world) => {
    const { call, left, hasStopped } = await stage(world);
    let stopped = 0;
    // Locks that a DEL asks for before it has told the ADD to stop; found out by the first round.
    let count = 1;
    await atEveryMoment(
      async (moment) => {
        await using adding = await holdAtOrEnd(world, "ADD", call, moment);
        const stood = !adding.isOver;
        if (!stood || (await snapshotOfFiles(world)).intents.isEmpty) {
          mustSucceed(await (stood ? adding.goOn() : adding.outcome));
          mustSucceed(await plugin(world, "DEL", call));
          return stood;
        }
        let deleting = await holdAt(world, "DEL", call, { kind: "flock", count });
        while (!(await hasStopped())) {
          await deleting.kill();
          deleting = await holdAt(world, "DEL", call, { kind: "flock", count: ++count });
        }
        expect(mustFail(await adding.goOn()), nameOf(moment)).toMatchObject(STOPPED);
        mustSucceed(await deleting.goOn());
        expect(await left(), nameOf(moment)).toEqual([]);
        stopped += 1;
        return true;
      },
      ["sendto"],
    );
    expect(stopped).toBeGreaterThan(0);
  },
  120_000,
);

const STOPPED = { code: 11, msg: expect.stringContaining("deleted while it was being made") as string };

async function stage(world: World) {
  const pods = install(world, network("pods"));
  await warmUp(world, pods);
  const red = await world.pod("red");
  const baseline = await snapshot(world);
  const call: PluginCall = { network: pods, pod: red };
  return {
    call,
    left: async (): Promise<string[]> => (await snapshot(world)).minus(baseline).lines,
    hasStopped: async (): Promise<boolean> => !(await snapshotOfFiles(world)).stopped.isEmpty,
  };
}

const nameOf = ({ kind, count }: Moment): string => `before ${kind} ${count}`;
