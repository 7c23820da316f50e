// Calling the plugin as runtimes do: through cnitool, or directly where a scene needs what cnitool cannot do.

import { type Network, pluginInput } from "./network.ts";
import { describe, type Outcome } from "./process.ts";
import { toolPath } from "./tool.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, type Pod, type World } from "./world.ts";

export type Verb = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION";

/** A result of version 0.3.0 or newer, as far as the tests look at it. */
export interface CniResult {
  cniVersion: string;
  interfaces?: { name: string; mac?: string; sandbox?: string; mtu?: number }[];
  ips?: { address: string; gateway?: string; interface?: number; version?: string }[];
  routes?: { dst: string; gw?: string }[];
  dns?: Record<string, unknown>;
}

export interface CniError {
  cniVersion: string;
  code: number;
  msg: string;
  details?: string;
}

/** A call of the plugin; what is not given is as cnitool would have it. */
export interface PluginCall {
  network: Network;
  pod?: Pod;
  containerId?: string;
  interfaceName?: string;
  /** CNI_NETNS, where it is not the pod's path. */
  netns?: string;
  /**
   * Keys that the runtime adds to the configuration: prevResult, runtimeConfig, cni.dev/valid-attachments.
   */
  more?: Record<string, unknown>;
  /** Replaces the configuration as a whole. */
  stdin?: string;
  env?: Record<string, string>;
  /** The command in front of the executable, such as `env --chdir=/run`. */
  through?: string[];
}

/** Runs cnitool, which takes the configuration from the files that `install` wrote. */
export async function cnitool(
  world: World,
  verb: Lowercase<Verb>,
  name: string,
  pod: Pod,
  env: Record<string, string> = {},
): Promise<Outcome> {
  const outcome = await world.host.exec([toolPath("cnitool"), verb, name, pod.namespace], {
    env: { CNI_PATH: PLUGIN_FOLDER, NETCONFPATH: CONFIG_FOLDER, ...env },
  });
  world.diary.push(describe(outcome));
  return outcome;
}

/** ADD through cnitool; it has to succeed. */
export async function add(
  world: World,
  { name }: Network,
  pod: Pod,
  env: Record<string, string> = {},
): Promise<CniResult> {
  return JSON.parse(mustSucceed(await cnitool(world, "add", name, pod, env)).stdout) as CniResult;
}

/** DEL through cnitool; it has to succeed. */
export async function del(
  world: World,
  { name }: Network,
  pod: Pod,
  env: Record<string, string> = {},
): Promise<void> {
  mustSucceed(await cnitool(world, "del", name, pod, env));
}

/** CHECK through cnitool: undefined when all is well, else what it complains about. */
export async function check(world: World, { name }: Network, pod: Pod): Promise<string | undefined> {
  const { status, stderr } = await cnitool(world, "check", name, pod);
  return status === 0 ? undefined : stderr;
}

/** Calls the executable itself. A GC for which nothing is said lists no attachment as valid. */
export async function plugin(world: World, verb: Verb, call: PluginCall): Promise<Outcome> {
  const outcome = await world.host.exec([...(call.through ?? []), `${PLUGIN_FOLDER}/pontoon`], {
    env: pluginEnvironment(verb, call),
    stdin: call.stdin ?? pluginInput(call.network, call.more ?? (verb === "GC" ? NOBODY : {})),
    timeoutMs: 40_000,
  });
  world.diary.push(describe(outcome));
  return outcome;
}

/** The list of a runtime that knows no attachment. */
export const NOBODY = { "cni.dev/valid-attachments": [] };

export function pluginEnvironment(verb: Verb, call: PluginCall): Record<string, string> {
  return {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: call.containerId ?? call.pod?.containerId ?? "",
    CNI_NETNS: call.netns ?? call.pod?.namespace ?? "",
    CNI_IFNAME: call.interfaceName ?? "eth0",
    CNI_PATH: PLUGIN_FOLDER,
    ...call.env,
  };
}

/** The result of a direct ADD that has to succeed. */
export async function addDirectly(world: World, call: PluginCall): Promise<CniResult> {
  return JSON.parse(mustSucceed(await plugin(world, "ADD", call)).stdout) as CniResult;
}

export function mustSucceed(outcome: Outcome): Outcome {
  if (outcome.status !== 0) throw new Error(`The call should have succeeded.\n${describe(outcome)}`);
  return outcome;
}

/** The error object of a call that has to fail in the way the specification asks for. */
export function mustFail(outcome: Outcome): CniError {
  if (outcome.status === 0 || outcome.status === undefined)
    throw new Error(`The call should have failed with an error object.\n${describe(outcome)}`);
  return JSON.parse(outcome.stdout) as CniError;
}

/** The first address of a result, without its prefix length. */
export function addressOf(result: CniResult, index = 0): string {
  const address = result.ips?.[index]?.address;
  if (address === undefined) throw new Error(`The result has no address ${index}: ${JSON.stringify(result)}`);
  return address.slice(0, address.indexOf("/"));
}

/** All addresses of a result, without their prefix lengths. */
export function addressesOf(result: CniResult): string[] {
  return (result.ips ?? []).map((_, index) => addressOf(result, index));
}

/** The gateway of the result's first address. */
export function gatewayOf(result: CniResult, index = 0): string {
  const gateway = result.ips?.[index]?.gateway;
  if (gateway === undefined) throw new Error(`The result has no gateway ${index}: ${JSON.stringify(result)}`);
  return gateway;
}
