// What all measures share: the programs, and how to open a host with a contender on it.
import { cpus } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { toolPath } from "../test/support/tool.ts";
import { pluginBinary } from "../test/support/world.ts";
import { Chain, type ChainPlugin } from "./chain.ts";
import { Host } from "./host.ts";
import { Plugin, type Program, type Wishes } from "./plugin.ts";

export interface Options {
  /** Calls per line of the table. */
  rounds: number;
  quick: boolean;
}

export interface Scene extends Options {
  runner: string;
  ours: Program;
  reference: Program;
}

/** Pods that are there before, and stay: a node is never empty. */
const RESIDENTS = ["resident-1", "resident-2", "resident-3"];

/** What the last call left to the kernel's workers is not to be charged to the next one. */
const PAUSE_MS = 10;

export function openScene(options: Options, runner: string): Scene {
  const executable = pluginBinary();
  const bridge = toolPath("bridge");
  const hostLocal = toolPath("host-local");
  return {
    ...options,
    runner,
    ours: { type: "pontoon", path: executable, folder: dirname(executable) },
    reference: { type: "bridge", path: bridge, folder: `${dirname(bridge)}:${dirname(hostLocal)}` },
  };
}

/** A host with namespaces for `pods`, and a contender that has connected the residents. */
export async function openNode(
  scene: Scene,
  program: Program,
  wishes: Wishes,
  pods: string[],
): Promise<Plugin> {
  const host = await Host.open(scene.runner);
  await host.makePods([...RESIDENTS, ...pods]);
  const plugin = new Plugin(host, program, wishes);
  for (const pod of RESIDENTS) await plugin.add(pod);
  return plugin;
}

/** The same for the reference chain. */
export async function openChain(
  scene: Scene,
  plugins: ChainPlugin[],
  runtimeConfig: (pod: string) => Record<string, unknown>,
  pods: string[],
): Promise<Chain> {
  const host = await Host.open(scene.runner);
  await host.makePods([...RESIDENTS, ...pods]);
  const chain = new Chain(host, plugins, runtimeConfig);
  for (const pod of RESIDENTS) await chain.add(pod);
  return chain;
}

export async function pause(): Promise<void> {
  await sleep(PAUSE_MS);
}

/**
 * Waits until the machine has little to do, ten seconds at most: what was built or taken down in great
 * numbers goes on for a while.
 */
export async function quiet(): Promise<void> {
  const busy = (): number =>
    cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);
  for (let seconds = 0; seconds < 10; seconds++) {
    const before = busy();
    await sleep(1000);
    if (busy() - before < 100) return;
  }
}

/** The list, starting at another place each round, so that nobody always comes after the same one. */
export function rotate<T>(list: readonly T[], round: number): T[] {
  const at = round % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
