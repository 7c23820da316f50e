// The reference plugins beside ours, and what they leave on a host.
import { symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { install, type Network } from "./network.ts";
import { SYSTEM_PATH, toolPath } from "./tool.ts";
import { PLUGIN_FOLDER, type World } from "./world.ts";

/** The same network, served by the reference plugins. Not installed. */
export function asReference(world: World, conflist: Network): Network {
  const folder = dirname(toolPath("host-local"));
  for (const name of ["bridge", "host-local"]) {
    if (!world.has(`${PLUGIN_FOLDER}/${name}`))
      symlinkSync(join(folder, name), world.outside(`${PLUGIN_FOLDER}/${name}`));
  }
  return { ...conflist, plugins: [{ ...conflist.plugins[0], type: "bridge" }] };
}

/** The same, put where cnitool looks for it. */
export function installReference(world: World, conflist: Network): Network {
  return install(world, asReference(world, conflist));
}

/**
 * Environments in which `iptables` is one variant or the other, as the administrator's choice of alternatives
 * makes it.
 */
export function iptablesVariants(world: World): { name: string; env: Record<string, string> }[] {
  return ["nft", "legacy"].map((name) => {
    const folder = `/run/world/iptables-${name}`;
    const programs = ["iptables", "ip6tables"].flatMap((program) =>
      ["", "-save", "-restore"].map((ending) => ({
        link: `${program}${ending}`,
        target: `${program}-${name}${ending}`,
      })),
    );
    for (const { link, target } of programs) linkOnce(world, `${folder}/${link}`, toolPath(target));
    return { name, env: { PATH: `${folder}:${SYSTEM_PATH}` } };
  });
}

/**
 * All chains and rules of table nat, by both variants of iptables and both families, and the rules of the
 * reference plugin's own table; what every such table has from the start is left out.
 */
export async function natLines(world: World): Promise<string[]> {
  const saves = ["iptables-nft-save", "ip6tables-nft-save", "iptables-legacy-save", "ip6tables-legacy-save"];
  const texts = await Promise.all(saves.map((save) => world.host.must(`${toolPath(save)} -t nat`)));
  const lines = texts.flatMap((text, index) =>
    text
      .split("\n")
      .filter((line) => /^(-A|:\S+ -)/.test(line))
      .map((line) => `${saves[index]}: ${line.replace(/ \[\d+:\d+\]$/, "")}`),
  );
  const { stdout } = await world.host.exec("nft list chain inet cni_plugins_masquerade masq_checks");
  return [
    ...lines,
    ...stdout
      .split("\n")
      .filter((line) => line.includes(" masquerade"))
      .map((line) => line.trim()),
  ].sort();
}

function linkOnce(world: World, path: string, target: string): void {
  if (world.has(path)) return;
  world.write(`${dirname(path)}/.made`, "");
  symlinkSync(target, world.outside(path));
}
