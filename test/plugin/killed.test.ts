// A runtime whose patience ends kills the plugin with SIGKILL. Whenever that happens, the next DEL makes all well.
import { expect } from "vitest";
import { add, addressOf, mustSucceed, plugin, type PluginCall, pluginEnvironment, type Verb } from "../support/cni.ts";
import { install, network, pluginInput } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { changes, snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

const ROUNDS = 25;
const LATEST_MS = 15;

for (const victim of ["ADD", "DEL"] as const) {
  scene(`after an ${victim} that was killed at any moment, a DEL leaves nothing behind and the pool is whole`, async (world) => {
    const pods = install(world, threeAddresses());
    await warmUp(world, pods);
    const red = await world.pod("red");
    const call = { network: pods, pod: red };
    const baseline = await snapshot(world);
    for (const delayMs of delays()) {
      if (victim === "DEL") mustSucceed(await plugin(world, "ADD", call));
      await killAfter(world, victim, call, delayMs);
      mustSucceed(await plugin(world, "DEL", call));
      expect(changes(baseline, await snapshot(world)), `killed after ${delayMs} ms`).toEqual([]);
    }
    await expectWholePool(world, pods);
  }, 120_000);
}

scene("an ADD right after a killed ADD of the same attachment works, or is clear about why not", async (world) => {
  const pods = install(world, threeAddresses());
  await warmUp(world, pods);
  const red = await world.pod("red");
  const call = { network: pods, pod: red };
  for (const delayMs of delays().slice(0, 10)) {
    await killAfter(world, "ADD", call, delayMs);
    mustSucceed(await plugin(world, "DEL", call));
    mustSucceed(await plugin(world, "ADD", call));
    mustSucceed(await plugin(world, "DEL", call));
  }
  await expectWholePool(world, pods);
}, 60_000);

/** Moments all over a call: one in each of equal parts, at random within it. */
function delays(): number[] {
  return Array.from({ length: ROUNDS }, (_, round) => ((round + Math.random()) * LATEST_MS) / ROUNDS);
}

async function killAfter(world: World, verb: Verb, call: PluginCall, delayMs: number): Promise<void> {
  const process = world.host.start(`${PLUGIN_FOLDER}/pontoon`, { env: pluginEnvironment(verb, call) });
  process.write(pluginInput(call.network));
  const finished = process.finish();
  // The delay is the point of the scene: it picks the moment of death. A call that was faster is just a whole call.
  await Promise.race([Bun.sleep(delayMs), finished]);
  await process.stop("SIGKILL");
}

function threeAddresses() {
  const pods = network("pods");
  pods.plugins[0].ipam!.ranges = [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.7" }]];
  return pods;
}

async function expectWholePool(world: World, pods: ReturnType<typeof network>): Promise<void> {
  const addresses = [];
  for (const name of ["one", "two", "three"]) addresses.push(addressOf(await add(world, pods, await world.pod(name))));
  expect(addresses.sort()).toEqual(["10.1.0.5", "10.1.0.6", "10.1.0.7"]);
}
