// One call of one of the two plugins, with what a runtime would send.
import { dirname } from "node:path";
import { type CniResult, pluginEnvironment, type Verb } from "../support/cni.ts";
import { network } from "../support/network.ts";
import { describe, type Outcome } from "../support/process.ts";
import { toolPath } from "../support/tool.ts";
import { type Pod, pluginBinary, type World } from "../support/world.ts";
import { BASES, type Plugin, type Row } from "./row.ts";

export interface Call {
  row: Row;
  plugin: Plugin;
  pod: Pod;
  /** True for the pod that the row's requests (args, runtimeConfig, CNI_ARGS) are made for. */
  isFirst: boolean;
  prevResult?: CniResult | undefined;
  /** What is not as cnitool would have it. */
  containerId?: string;
  interfaceName?: string;
  netns?: string;
  /** The command in front of the executable. */
  through?: string[];
}

export const NETWORK_NAME = "pods";

/** Runs the plugin; gives its end, whatever it is. */
export async function call(
  world: World,
  verb: Verb,
  { row, plugin, isFirst, prevResult, through = [], ...who }: Call,
): Promise<Outcome> {
  const file = plugin === "ours" ? pluginBinary() : toolPath(row.reference ?? "bridge");
  const env = {
    ...pluginEnvironment(verb, { network: network(NETWORK_NAME), ...who }),
    CNI_PATH: dirname(toolPath("host-local")),
    ...(isFirst && row.cniArgs !== undefined ? { CNI_ARGS: row.cniArgs } : {}),
  };
  const outcome = await world.host.exec([...through, file], {
    env,
    stdin: stdinOf(row, plugin, isFirst, prevResult),
    timeoutMs: 40_000,
  });
  world.diary.push(describe(outcome));
  return outcome;
}

export function stdinOf(
  row: Row,
  plugin: Plugin,
  isFirst: boolean,
  prevResult: CniResult | undefined,
): string {
  const requests = isFirst ? { args: row.args && { cni: row.args }, runtimeConfig: row.runtimeConfig } : {};
  const reference = row.reference ?? "bridge";
  const { base, ours } = BASES[reference];
  const type = plugin === "ours" ? { type: "pontoon", ...ours } : { type: reference };
  const cniVersion = "cniVersion" in row ? row.cniVersion : "1.0.0";
  const config = JSON.stringify({
    cniVersion,
    name: NETWORK_NAME,
    ...type,
    ...base,
    ...row.config,
    ...requests,
    prevResult,
  });
  return row.text === undefined ? config : `${config.slice(0, -1)},${row.text}}`;
}
