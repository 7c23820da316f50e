// What a person wants to see after a failure, gathered before the world goes away.
import type { Place } from "./place.ts";
import type { World } from "./world.ts";

const OF_HOST = [
  "ip -d address",
  "ip route",
  "ip -6 route",
  "ip neighbour",
  "bridge link",
  "nft list ruleset",
  "find /var/lib/cni /run/netns",
];
const OF_POD = ["ip -d address", "ip route", "ip -6 route", "ip neighbour"];

export async function evidence(world: World): Promise<string> {
  const parts = await Promise.all([
    ...world.diary.slice(-6),
    ...OF_HOST.map((command) => shown(world.host, command)),
    ...world.pods.flatMap((pod) => OF_POD.map((command) => shown(pod, command))),
  ]);
  return parts.join("\n");
}

async function shown(place: Place, command: string): Promise<string> {
  try {
    const { stdout, stderr } = await place.exec(command, { timeoutMs: 5_000 });
    return `--- ${command} (${place.name})\n${stdout}${stderr}`;
  } catch (error) {
    return `--- ${command} (${place.name})\n${String(error)}`;
  }
}
