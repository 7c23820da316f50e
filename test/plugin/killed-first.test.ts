// The very first ADD of a host makes what all pods share. Whenever it dies, the next one completes that.
import { expect } from "vitest";
import { add, addressesOf, check, del, mustSucceed, plugin } from "../support/cni.ts";
import { dieAt } from "../support/hurt.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { atEveryMoment, type Moment } from "../support/strace.ts";
import { pings } from "../support/traffic.ts";
import { openWorld, type World } from "../support/world.ts";

scene(
  "a first ADD that dies before any one of its steps leaves a host on which the next ADD makes everything right",
  async (world) => {
    const wanted = (await play(world)).left;
    const wrong: Record<string, string[]> = {};
    await atEveryMoment(
      async (moment) => {
        await using other = await openWorld();
        const { died, left } = await play(other, moment);
        const { isEmpty, lines } = left.minus(wanted);
        if (!isEmpty) wrong[`killed before ${moment.kind} ${moment.count}`] = lines;
        return died;
      },
      ["sendto", "write", "mkdirat"],
    );
    expect(wrong).toEqual({});
  },
  120_000,
);

/** Kills the first ADD at `moment`, then goes through the life of a pod; gives what is left in the end. */
async function play(world: World, moment?: Moment): Promise<{ died: boolean; left: Snapshot }> {
  const pods = install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"], macspoofchk: true }));
  const red = await world.pod("red");
  const call = { network: pods, pod: red };
  const died = moment !== undefined && (await dieAt(world, "ADD", call, moment));
  mustSucceed(await plugin(world, "DEL", call));
  const result = await add(world, pods, red);
  for (const address of addressesOf(result)) expect(await pings(world.host, address)).toBe(true);
  expect(await check(world, pods, red)).toBeUndefined();
  await del(world, pods, red);
  return { died, left: await snapshot(world) };
}
