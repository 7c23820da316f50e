// A runtime whose patience ends kills the plugin with SIGKILL. Whenever that happens, the next DEL makes all
// well.
import { expect } from "vitest";
import {
  add,
  addressOf,
  type CniError,
  mustSucceed,
  type PluginCall,
  plugin,
  type Verb,
} from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { describe } from "../support/process.ts";
import { scene } from "../support/scene.ts";
import { snapshot, snapshotOfFiles } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import type { World } from "../support/world.ts";

/** So many calls have to die, and so many of them after they have begun to change something. */
const DEATHS = 25;
const DEATHS_IN_THE_MIDDLE = 3;
/** A call that is so often over before its time was up is a fault of the test. */
const MOST_ROUNDS = 400;

for (const victim of ["ADD", "DEL"] as const) {
  scene(
    `after an ${victim} that was killed at any moment, a DEL leaves nothing behind and the pool is whole`,
    async (world) => {
      const pods = install(world, threeAddresses());
      await warmUp(world, pods);
      const red = await world.pod("red");
      const call = { network: pods, pod: red };
      const baseline = await snapshot(world);
      await untilEnoughDied(world, victim, call, async (seconds) => {
        mustSucceed(await plugin(world, "DEL", call));
        expect((await snapshot(world)).minus(baseline).lines, `killed after ${seconds} s`).toEqual([]);
        if (victim === "DEL") mustSucceed(await plugin(world, "ADD", call));
      });
      mustSucceed(await plugin(world, "DEL", call));
      await expectWholePool(world, pods);
    },
    120_000,
  );
}

scene(
  "an ADD right after a killed ADD of the same attachment works, or says that the killed one had finished",
  async (world) => {
    const pods = install(world, threeAddresses());
    await warmUp(world, pods);
    const red = await world.pod("red");
    const call = { network: pods, pod: red };
    const isComplete = async (): Promise<boolean> => !(await snapshotOfFiles(world)).records.isEmpty;
    await untilEnoughDied(world, "ADD", call, async (seconds) => {
      const wanted = (await isComplete()) ? 121 : 0;
      const { status, stdout } = await plugin(world, "ADD", call);
      expect(
        [status === 0 ? 0 : (JSON.parse(stdout) as CniError).code, await isComplete()],
        `killed after ${seconds} s`,
      ).toEqual([wanted, true]);
      mustSucceed(await plugin(world, "DEL", call));
    });
    await expectWholePool(world, pods);
  },
  120_000,
);

/**
 * Kills calls at random moments of their life, however long that is on this machine, until enough of them
 * died, some of them in the middle of their work. `mend` follows each of them.
 */
async function untilEnoughDied(
  world: World,
  verb: Verb,
  call: PluginCall,
  mend: (seconds: number) => Promise<void>,
): Promise<void> {
  if (verb === "DEL") mustSucceed(await plugin(world, "ADD", call));
  const life = await lifeOf(world, verb, call, mend);
  let [deaths, inTheMiddle] = [0, 0];
  for (let round = 0; deaths < DEATHS || inTheMiddle < DEATHS_IN_THE_MIDDLE; round++) {
    if (round === MOST_ROUNDS)
      throw new Error(
        `Of ${round} calls ${deaths} died, ${inTheMiddle} of them in the middle. A whole call took at most ${life} s.`,
      );
    const seconds = Math.random() * life;
    const before = await snapshot(world);
    const died = await killAfter(world, verb, call, seconds);
    if (died) deaths += 1;
    if (died && !(await snapshot(world)).minus(before).isEmpty) inTheMiddle += 1;
    await mend(seconds);
  }
}

/** A time in seconds in which a call has ended, less than twice as long as it takes: found by doubling. */
async function lifeOf(
  world: World,
  verb: Verb,
  call: PluginCall,
  mend: (seconds: number) => Promise<void>,
): Promise<number> {
  for (let seconds = 0.000_25; ; seconds *= 2) {
    const died = await killAfter(world, verb, call, seconds);
    await mend(seconds);
    if (!died) return seconds;
  }
}

/**
 * True when the call died of SIGKILL, false when it was over before. timeout(1) has a clock that is fine
 * enough for a call of a millisecond.
 */
async function killAfter(world: World, verb: Verb, call: PluginCall, seconds: number): Promise<boolean> {
  const outcome = await plugin(world, verb, {
    ...call,
    through: ["timeout", "--foreground", "--preserve-status", "--signal=KILL", seconds.toFixed(6)],
  });
  const KILLED = 137;
  if (outcome.status === KILLED || outcome.status === 0) return outcome.status === KILLED;
  throw new Error(`Killed, or whole: nothing else was to be expected.\n${describe(outcome)}`);
}

function threeAddresses() {
  const pods = network("pods");
  pods.plugins[0].ipam!.ranges = [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.7" }]];
  return pods;
}

async function expectWholePool(world: World, pods: ReturnType<typeof network>): Promise<void> {
  const addresses = [];
  for (const name of ["one", "two", "three"])
    addresses.push(addressOf(await add(world, pods, await world.pod(name))));
  expect(addresses.sort()).toEqual(["10.1.0.5", "10.1.0.6", "10.1.0.7"]);
}
