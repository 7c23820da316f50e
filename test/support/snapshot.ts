// The state of a world as lines of text, so that two moments can be compared and a difference reads like a
// list. Left out: what the kernel makes by itself and when it likes (link-local addresses, MACs nobody gave,
// neighbours), and the result cache of the runtime.
import type { Place } from "./place.ts";
import { nftLines, ruleLines, sysctlLines } from "./snapshot-kernel.ts";
import { networkLines } from "./snapshot-links.ts";
import type { World } from "./world.ts";

/** Everything in the world that a plugin may change. */
export async function snapshot(world: World): Promise<string[]> {
  const parts = await Promise.all([
    networkLines(world.host),
    ruleLines(world.host),
    nftLines(world.host),
    sysctlLines(world.host),
    fileLines(world),
    ...world.pods.map((pod) => podLines(pod)),
  ]);
  return parts.flat().sort();
}

/**
 * What came (`+`) and went (`-`) between two snapshots. Where something may differ, `allowed` says so by a
 * pattern of the whole line, its sign included: what went from others is as wrong as what stayed.
 */
export function changes(before: string[], after: string[], allowed: RegExp[] = []): string[] {
  const gone = before.filter((line) => !after.includes(line)).map((line) => `- ${line}`);
  const come = after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`);
  return [...gone, ...come].filter((line) => !allowed.some((pattern) => pattern.test(line)));
}

async function podLines(pod: Place): Promise<string[]> {
  return (await networkLines(pod)).map((line) => `${pod.name}: ${line}`);
}

async function fileLines(world: World): Promise<string[]> {
  const skip = ["/run/world", "/run/netns", "/var/lib/cni/results"].flatMap((path) => [
    "-path",
    path,
    "-prune",
    "-o",
  ]);
  const text = await world.host.must([
    "find",
    "/run",
    "/var/lib/cni",
    "-mindepth",
    "1",
    ...skip,
    "-printf",
    "%y %p\\n",
  ]);
  return text
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => (line.startsWith("d ") ? `folder ${line.slice(2)}` : `file ${line.slice(2)}`));
}
