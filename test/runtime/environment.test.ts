// A container runtime hands its whole environment to the plugin, meant for quite other programs. Only CNI_*
// counts there, and PATH where another program is started.
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { mustSucceed, type PluginCall, plugin, type Verb } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { pluginBinary, type World } from "../support/world.ts";

const FILE = "/run/world/intruder";

/**
 * Every word of the executable: whichever variable it might ask for, the name is among them. Then what the C
 * library of a program that is not static would listen to.
 */
function names(): string[] {
  const words = readFileSync(pluginBinary(), "latin1").match(/\b[A-Za-z_][A-Za-z0-9_]{2,}\b/g) ?? [];
  const others = [
    "LD_BIND_NOW",
    "LD_LIBRARY_PATH",
    "GLIBC_TUNABLES",
    "MALLOC_ARENA_MAX",
    "TZ",
    "LANG",
    "TMPDIR",
    "HOME",
    "NODE_OPTIONS",
    "RUST_BACKTRACE",
  ];
  return [...new Set([...words, ...others])].filter((name) => !/^(CNI_.*|PATH)$/.test(name));
}

for (const value of ["", "1", FILE]) {
  scene(
    `ADD, CHECK and DEL do what they do, whatever other variable is ${JSON.stringify(value)}`,
    async (world) => {
      const pods = network("pods");
      pods.plugins[0].ipam!.ranges = [
        [{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.5" }],
      ];
      const call = { network: install(world, pods), pod: await world.pod("red") };
      const all = names();
      expect(all).toEqual(expect.arrayContaining(["getenv", "HOME"]));
      const undisturbed = await wholeLife(world, call);
      expect(
        await wholeLife(world, { ...call, env: Object.fromEntries(all.map((name) => [name, value])) }),
      ).toEqual(undisturbed);
      expect((await world.host.exec(["test", "-e", FILE])).status).toBe(1);
    },
  );
}

/** What the calls of one attachment said. The host's end of the pair has another MAC each time. */
async function wholeLife(world: World, call: PluginCall): Promise<string[]> {
  const said: string[] = [];
  for (const verb of ["VERSION", "ADD", "CHECK", "DEL"] satisfies Verb[]) {
    const more =
      verb === "CHECK" ? { prevResult: JSON.parse(said.at(-1)!.split("\n--\n")[0]!) as unknown } : {};
    const { stdout, stderr } = mustSucceed(await plugin(world, verb, { ...call, more }));
    said.push(`${stdout}\n--\n${stderr}`);
  }
  return said.map((text) => text.replaceAll(/(..:){5}../g, "MAC"));
}
