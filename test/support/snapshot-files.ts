// The files and folders that plugins and runtimes write, without those of the test itself.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Thing } from "./thing.ts";
import type { World } from "./world.ts";

const ROOTS = ["/run", "/var/lib/cni"];
const SKIPPED = ["/run/world", "/run/netns", "/var/lib/cni/results"];

/** Files that say whose they are: leases, and what is known of an attachment. */
const OWNED = /^\/var\/lib\/cni\/.*\/([0-9a-f.:]+|[0-9a-f]{32}\.\w+)$/;

export async function fileThings(world: World): Promise<Thing[]> {
  const skip = SKIPPED.flatMap((path) => ["-path", path, "-prune", "-o"]);
  const found = ["-ignore_readdir_race", "-mindepth", "1", ...skip, "-printf", "%y %p\\n"];
  const text = await world.host.must(["find", ...ROOTS, ...found]);
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => fileThing(world, line[0]!, line.slice(2)));
}

function fileThing(world: World, type: string, path: string): Thing {
  const kind = type === "d" ? "folder" : "file";
  const thing = { kind, line: `${kind} ${path}`, name: basename(path), path };
  return type === "f" && OWNED.test(path) ? { ...thing, owner: textOf(world, path) } : thing;
}

/** The text of a file; nothing when it has gone meanwhile. */
function textOf(world: World, path: string): string {
  try {
    return readFileSync(world.outside(path), "utf8");
  } catch {
    return "";
  }
}
