// A refusal of the system that lasts: what an ADD does not get undone, the next call finds.
import { expect } from "vitest";
import { mustSucceed, type PluginCall, plugin } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { atEveryMoment, failingFrom, TRACE } from "../support/strace.ts";
import type { World } from "../support/world.ts";

/** The calls of which each has to clear what a failed ADD could not undo. */
const CONTINUATIONS: { name: string; play(world: World, call: PluginCall): Promise<unknown> }[] = [
  { name: "the DEL", play: async (world, call) => mustSucceed(await plugin(world, "DEL", call)) },
  {
    name: "a GC that does not list it",
    play: async (world, { network: conflist }) => mustSucceed(await collect(world, conflist, [])),
  },
  {
    name: "the same ADD again, and its DEL",
    play: async (world, call) => {
      for (const verb of ["ADD", "DEL"] as const) mustSucceed(await plugin(world, verb, call));
    },
  },
];

/** The answer cannot be printed, so that a whole ADD is undone. */
const FULL = ["sh", "-c", '"$@" >/dev/full', "sh"];

const FAULTS = [
  { kind: "openat", errno: "EMFILE", before: [] },
  { kind: "openat", errno: "EMFILE", before: FULL },
  { kind: "socket", errno: "EMFILE", before: FULL },
  { kind: "unlinkat", errno: "EIO", before: FULL },
  { kind: "sendto", errno: "ENOBUFS", before: [] },
];

for (const { kind, errno, before } of FAULTS) {
  const how = before === FULL ? ", and the answer cannot be printed" : "";
  scene(
    `${errno} from any ${kind} of an ADD on${how}: what it leaves is cleared by DEL, GC or the same ADD`,
    async (world) => {
      const pods = install(world, network("pods", { macspoofchk: true }));
      await warmUp(world, pods);
      const call = { network: pods, pod: await world.pod("red") };
      const baseline = await snapshot(world);
      const wrong: Record<string, string[]> = {};
      let left = 0;
      await atEveryMoment(
        async (moment) => {
          let wasHurt = false;
          for (const { name, play } of CONTINUATIONS) {
            const through = [...before, ...failingFrom(moment, errno)];
            const { status } = await plugin(world, "ADD", { ...call, through });
            wasHurt = world.read(TRACE).includes("(INJECTED)");
            if (status === 0) mustSucceed(await plugin(world, "DEL", call));
            if (!(await snapshot(world)).minus(baseline).isEmpty) left += 1;
            await play(world, call);
            const { isEmpty, lines } = (await snapshot(world)).minus(baseline);
            if (!isEmpty) wrong[`${moment.kind} ${moment.count}, then ${name}`] = lines;
          }
          return wasHurt;
        },
        [kind],
      );
      expect(wrong).toEqual({});
      expect(left).toBeGreaterThan(0);
    },
    240_000,
  );
}
