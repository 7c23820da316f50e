// IPAM plugins beside ours: those of the reference, and one that writes down how it is called and does as it
// is told.
import { chmodSync, symlinkSync } from "node:fs";
import { addDirectly, mustSucceed, type PluginCall, plugin } from "./cni.ts";
import { type Network, network, type PluginConfig } from "./network.ts";
import { snapshot } from "./snapshot.ts";
import type { Snapshot } from "./snapshot-part.ts";
import { toolPath } from "./tool.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "./world.ts";

/** Puts plugins of the reference where ours is. */
export function addPlugins(world: World, ...names: string[]): void {
  for (const name of names) symlinkSync(toolPath(name), world.outside(`${PLUGIN_FOLDER}/${name}`));
}

/** Puts a script where the plugins are. */
export function addScript(world: World, name: string, text: string): void {
  const path = `${PLUGIN_FOLDER}/${name}`;
  world.write(path, text);
  chmodSync(world.outside(path), 0o755);
}

/** A network whose addresses another plugin gives. */
export function foreignNetwork(
  name: string,
  ipam: Record<string, unknown> & { type: string },
  more: Partial<PluginConfig> & { cniVersion?: string } = {},
): Network {
  return network(name, { ipam, isDefaultGateway: true, ...more });
}

const NOTES = "/run/world/notes";

/** A call of the recorder as it was, byte for byte. */
export interface Note {
  verb: string;
  stdin: string;
  env: Record<string, string>;
}

/** What the recorder answers to each verb, in shell; what is not given succeeds without a word. */
export type Answers = Partial<Record<"ADD" | "CHECK" | "DEL" | "GC" | "STATUS", string>>;

/** An IPAM plugin that writes down each call and then does as it is told for that verb. */
export function addRecorder(world: World, answers: Answers, name = "recorder"): void {
  const cases = Object.entries(answers).map(([verb, commands]) => `${verb})\n${commands}\n;;`);
  addScript(
    world,
    name,
    `#!/bin/sh
note=${NOTES}/$(date +%s%N)-$CNI_COMMAND
mkdir -p ${NOTES}
tr '\\0' '\\001' < /proc/$$/environ > $note.env
cat > $note.part
mv $note.part $note.stdin
case $CNI_COMMAND in
${cases.join("\n")}
esac
`,
  );
}

/** The calls of the recorder so far, in order. */
export async function notes(world: World): Promise<Note[]> {
  const { stdout } = await world.host.exec(["sh", "-c", `ls ${NOTES} 2>/dev/null`]);
  return stdout
    .split("\n")
    .filter((name) => name.endsWith(".stdin"))
    .sort()
    .map((name) => {
      const base = `${NOTES}/${name.slice(0, -".stdin".length)}`;
      const env = world
        .read(`${base}.env`)
        .split("\x01")
        .filter(Boolean)
        .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)] as const);
      return {
        verb: name.slice(name.indexOf("-") + 1, -".stdin".length),
        stdin: world.read(`${base}.stdin`),
        env: Object.fromEntries(env),
      };
    });
}

export async function verbsOf(world: World): Promise<string[]> {
  return (await notes(world)).map(({ verb }) => verb);
}

/** Shell that prints a JSON document. */
export function prints(document: unknown): string {
  return `printf %s '${JSON.stringify(document)}'`;
}

/** Shell that fails as a plugin does. */
export function fails(error: Record<string, unknown>): string {
  return `${prints(error)}\nexit 1`;
}

/** A pod, and calls for it on a network whose addresses the recorder gives. */
export async function recorderCall(
  world: World,
  answers: Answers,
  more: { cniVersion?: string; ingressPolicy?: string } = {},
): Promise<PluginCall & { pod: Pod }> {
  addRecorder(world, answers);
  return {
    network: foreignNetwork("pods", { type: "recorder" }, more),
    pod: await world.pod("red"),
    containerId: "one",
  };
}

/** A recorder's answer to ADD, with an address in the network of these calls. */
export const GIVES = prints({ ips: [{ address: "10.1.0.7/24" }], routes: [{ dst: "10.9.0.0/16" }] });

/** The same on a host that has had a pod of this network, with a recorder that was not called yet. */
export async function recorderHost(
  world: World,
  answers: Answers,
  more: { ingressPolicy?: string } = {},
): Promise<{ call: PluginCall & { pod: Pod }; baseline: Snapshot }> {
  const call = await recorderCall(world, { ADD: GIVES }, more);
  await addDirectly(world, call);
  mustSucceed(await plugin(world, "DEL", call));
  await world.host.must(`rm -r ${NOTES}`);
  addRecorder(world, answers);
  return { call, baseline: await snapshot(world) };
}
