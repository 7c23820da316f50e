// ADDs that have to fail on a host that is in use.
import { expect } from "vitest";
import { add, type CniError, mustFail, type PluginCall, plugin } from "./cni.ts";
import { install, type Network, network } from "./network.ts";
import { snapshot } from "./snapshot.ts";
import { warmUp } from "./steady.ts";
import type { Pod, World } from "./world.ts";

/** A call that has to fail and to leave no trace. */
export async function refused(world: World, call: PluginCall): Promise<CniError> {
  const before = await snapshot(world);
  const error = mustFail(await plugin(world, "ADD", call));
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
  expect(error.details).toMatch(/Hint: [A-Z]/);
  return error;
}

/** A host where pod red is attached, so that everything shared is there, and blue is waiting. */
export async function busyHost(
  world: World,
  pods = network("pods"),
): Promise<{ red: Pod; blue: Pod; pods: Network }> {
  install(world, pods);
  await warmUp(world, pods);
  const red = await world.pod("red");
  const blue = await world.pod("blue");
  await add(world, pods, red);
  return { red, blue, pods };
}
