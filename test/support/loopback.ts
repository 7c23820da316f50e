// The plugin `loopback`: ours, or the reference's, called as a runtime does.
import { existsSync, symlinkSync } from "node:fs";
import { pluginEnvironment, type Verb } from "./cni.ts";
import { network } from "./network.ts";
import { describe, type Outcome } from "./process.ts";
import { toolPath } from "./tool.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "./world.ts";

/** The name by which Pontoon is the plugin. */
export const LOOPBACK = `${PLUGIN_FOLDER}/loopback`;
export const VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

export interface LoopbackCall {
  pod?: Pod;
  /** CNI_NETNS, where it is not the pod's path. */
  netns?: string;
  /** 1.0.0 unless it is given. */
  cniVersion?: string;
  prevResult?: unknown;
  stdin?: string;
  env?: Record<string, string>;
  /** The reference's own. */
  isReference?: boolean;
}

/** Calls the plugin; gives its end, whatever it is. */
export async function loopback(world: World, verb: Verb, call: LoopbackCall): Promise<Outcome> {
  const { cniVersion = "1.0.0", prevResult, isReference = false, ...rest } = call;
  if (!existsSync(world.outside(LOOPBACK))) symlinkSync("pontoon", world.outside(LOOPBACK));
  const outcome = await world.host.exec([isReference ? toolPath("loopback") : LOOPBACK], {
    env: pluginEnvironment(verb, { network: network("loop"), ...rest }),
    stdin: rest.stdin ?? JSON.stringify({ cniVersion, name: "loop", type: "loopback", prevResult }),
  });
  world.diary.push(describe(outcome));
  return outcome;
}

/** A pod's namespace as the kernel makes it: its interface `lo` is down and has no address. */
export async function freshPod(world: World, name: string): Promise<Pod> {
  const pod = await world.pod(name);
  await pod.must("ip link set lo down");
  await pod.must("ip address flush dev lo");
  return pod;
}

/** True when the interface `lo` of the pod is up. */
export async function isUp(pod: Pod): Promise<boolean> {
  return /^\d+: lo: <[^>]*\bUP\b/.test(await pod.must("ip link show dev lo"));
}
