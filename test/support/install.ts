// A node's two folders inside of a world, and `pontoon install` into them.
import { chmodSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { mustSucceed } from "./cni.ts";
import { describe, type Outcome } from "./process.ts";
import { REPOSITORY } from "./tool.ts";
import { PLUGIN_FOLDER, type World } from "./world.ts";

/** Where the executable and the configurations go. */
export const BIN_FOLDER = "/run/world/opt/cni/bin";
export const NET_FOLDER = "/run/world/etc/cni/net.d";
export const INSTALLED = `${BIN_FOLDER}/pontoon`;
/** The link by which Pontoon is the plugin `loopback`. */
export const INSTALLED_LOOPBACK = `${BIN_FOLDER}/loopback`;
export const SHIPPED = join(REPOSITORY, "cni-conf/10-pontoon.conflist");
export const CONFLIST = `${NET_FOLDER}/10-pontoon.conflist`;

/** The command line; options that are given again count. */
export const installCommand = (...args: string[]): string[] => [
  `${PLUGIN_FOLDER}/pontoon`,
  "install",
  "--bin-dir",
  BIN_FOLDER,
  "--conf-dir",
  NET_FOLDER,
  ...args,
];

/** Runs it, whatever its end. `through` are words in front, such as those of strace. */
export async function tryInstall(
  world: World,
  args: string[] = ["--conf", SHIPPED],
  { through = [], env = {} }: { through?: string[]; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const outcome = await world.host.exec([...through, ...installCommand(...args)], { env });
  world.diary.push(describe(outcome));
  return outcome;
}

/** Runs it; it has to succeed. Gives what it printed on stdout, as lines. */
export async function installed(world: World, args?: string[]): Promise<string[]> {
  return mustSucceed(await tryInstall(world, args))
    .stdout.split("\n")
    .slice(0, -1);
}

/** Puts a file into one of the folders. */
export function put(world: World, path: string, text: string, mode = 0o644): void {
  world.write(path, text);
  chmodSync(world.outside(path), mode);
}

/** Each file of both folders: where it is, its inode, permission bits, size, and when it was written. */
export function filesOf(world: World): string[] {
  return [BIN_FOLDER, NET_FOLDER].flatMap((folder) =>
    (world.has(folder) ? readdirSync(world.outside(folder)) : []).map((name) => {
      const { ino, mode, size, mtimeMs } = lstatSync(world.outside(`${folder}/${name}`));
      return `${folder}/${name} ${ino} ${(mode & 0o7777).toString(8)} ${size} ${mtimeMs}`;
    }),
  );
}
