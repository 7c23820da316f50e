// SIGKILL before each single thing that a call does: no luck involved. strace delivers it at the entry of the
// first, second, third… system call of each kind that changes something, until a whole call has gone through
// unharmed.
import { expect } from "vitest";
import { addDirectly, mustSucceed, type PluginCall, plugin } from "../support/cni.ts";
import { listed } from "../support/collection.ts";
import { dieAt } from "../support/hurt.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { changes, snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { atEveryMoment, type Moment } from "../support/strace.ts";
import { toolPath } from "../support/tool.ts";
import type { World } from "../support/world.ts";

scene(
  "an ADD that dies before any one of its steps is made good by the next DEL",
  async (world) => {
    const { call, baseline } = await stage(world);
    const remains = new Remains(world, baseline);
    await atEveryMoment(async (moment) => {
      const died = await dieAt(world, "ADD", call, moment);
      mustSucceed(await plugin(world, "DEL", call));
      await remains.collect(moment);
      return died;
    });
    expect(remains.found).toEqual({});
  },
  120_000,
);

scene(
  "a DEL that dies before any one of its steps is made good by the next DEL",
  async (world) => {
    const { call, baseline } = await stage(world);
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
  120_000,
);

scene(
  "an ADD that dies before any one of its steps is made good by a GC that does not list it",
  async (world) => {
    const { call, baseline } = await stage(world);
    const remains = new Remains(world, baseline);
    await atEveryMoment(async (moment) => {
      const died = await dieAt(world, "ADD", call, moment);
      mustSucceed(
        await plugin(world, "GC", {
          ...call,
          more: { "cni.dev/valid-attachments": listed(world.pods.filter(({ name }) => name === "resident")) },
        }),
      );
      await remains.collect(moment);
      return died;
    });
    expect(remains.found).toEqual({});
  },
  120_000,
);

scene(
  "an ADD that dies before any one of its steps does not stand in another pod's way",
  async (world) => {
    const { call } = await stage(world);
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
  120_000,
);

async function stage(world: World): Promise<{ call: PluginCall; baseline: string[] }> {
  const pods = install(
    world,
    network("pods", {
      subnets: ["10.1.0.0/24", "fd01::/64"],
      macspoofchk: true,
      ingressPolicy: "isolated",
      ingressRate: 20_000_000,
      egressRate: 20_000_000,
    }),
  );
  for (const program of ["iptables-nft", "ip6tables-nft"])
    await world.host.must(`${toolPath(program)} -P FORWARD DROP`);
  await warmUp(world, pods);
  // Another pod of the network, which loses nothing.
  await addDirectly(world, { network: pods, pod: await world.pod("resident") });
  const pod = await world.pod("red");
  return { call: { network: pods, pod }, baseline: await snapshot(world) };
}

/**
 * What was found that should not be there, or is missing, by the moment of death. All of it is gathered
 * before the test fails.
 */
class Remains {
  readonly found: Record<string, string[]> = {};
  readonly #world: World;
  #baseline: string[];

  constructor(world: World, baseline: string[]) {
    this.#world = world;
    this.#baseline = baseline;
  }

  async collect({ kind, count }: Moment): Promise<void> {
    const now = await snapshot(this.#world);
    const found = changes(this.#baseline, now);
    if (found.length > 0) this.found[`killed before ${kind} ${count}`] = found;
    // Remains are counted once, where they came from.
    this.#baseline = now;
  }
}
