// SIGKILL before each single thing that a call does: no luck involved. strace delivers it at the entry of the
// first, second, third… system call of each kind that changes something, until a whole call has gone through
// unharmed.
import { expect } from "vitest";
import { mustSucceed, plugin } from "../support/cni.ts";
import { listed } from "../support/collection.ts";
import { hostForAllSteps } from "../support/every-step.ts";
import { dieAt } from "../support/hurt.ts";
import { WAYS } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { atEveryMoment, type Moment } from "../support/strace.ts";
import type { World } from "../support/world.ts";

for (const { way, networkOf } of WAYS) {
  scene(
    `${way}: an ADD that dies before any one of its steps is made good by the next DEL`,
    async (world) => {
      const { call, baseline } = await hostForAllSteps(world, networkOf);
      const remains = new Remains(world, baseline);
      await atEveryMoment(async (moment) => {
        const died = await dieAt(world, "ADD", call, moment);
        mustSucceed(await plugin(world, "DEL", call));
        await remains.collect(moment);
        return died;
      });
      expect(remains.found).toEqual({});
    },
    240_000,
  );

  scene(
    `${way}: a DEL that dies before any one of its steps is made good by the next DEL`,
    async (world) => {
      const { call, baseline } = await hostForAllSteps(world, networkOf);
      const remains = new Remains(world, baseline);
      await atEveryMoment(async (moment) => {
        mustSucceed(await plugin(world, "ADD", call));
        const died = await dieAt(world, "DEL", call, moment);
        mustSucceed(await plugin(world, "DEL", call));
        await remains.collect(moment);
        return died;
      });
      expect(remains.found).toEqual({});
    },
    240_000,
  );

  scene(
    `${way}: an ADD that dies before any one of its steps is made good by a GC that does not list it`,
    async (world) => {
      const { call, baseline } = await hostForAllSteps(world, networkOf);
      const remains = new Remains(world, baseline);
      await atEveryMoment(async (moment) => {
        const died = await dieAt(world, "ADD", call, moment);
        mustSucceed(
          await plugin(world, "GC", {
            ...call,
            more: {
              "cni.dev/valid-attachments": listed(world.pods.filter(({ name }) => name === "resident")),
            },
          }),
        );
        await remains.collect(moment);
        return died;
      });
      expect(remains.found).toEqual({});
    },
    240_000,
  );

  scene(
    `${way}: an ADD that dies before any one of its steps does not stand in another pod's way`,
    async (world) => {
      const { call } = await hostForAllSteps(world, networkOf);
      const other = { ...call, pod: await world.pod("blue") };
      const remains = new Remains(world, await snapshot(world));
      await atEveryMoment(async (moment) => {
        const died = await dieAt(world, "ADD", call, moment);
        mustSucceed(await plugin(world, "ADD", other));
        for (const one of [call, other]) mustSucceed(await plugin(world, "DEL", one));
        await remains.collect(moment);
        return died;
      });
      expect(remains.found).toEqual({});
    },
    240_000,
  );
}

/**
 * What was found that should not be there, or is missing, by the moment of death. All of it is gathered
 * before the test fails.
 */
class Remains {
  readonly found: Record<string, string[]> = {};
  readonly #world: World;
  #baseline: Snapshot;

  constructor(world: World, baseline: Snapshot) {
    this.#world = world;
    this.#baseline = baseline;
  }

  async collect({ kind, count }: Moment): Promise<void> {
    const now = await snapshot(this.#world);
    const { isEmpty, lines } = now.minus(this.#baseline);
    if (!isEmpty) this.found[`killed before ${kind} ${count}`] = lines;
    // Remains are counted once, where they came from.
    this.#baseline = now;
  }
}
