// A cluster of thousands of nodes: the API server is simulated, the node of the agent is real.
import { readFileSync } from "node:fs";
import { startIn } from "./agent.ts";
import { join, segment } from "./cluster.ts";
import { KubeApi, type NodeSpec } from "./kube-api.ts";
import type { Place } from "./place.ts";
import type { World } from "./world.ts";

/** The node of the agent; the others follow. */
export const OWN = "node11";
const FIRST = 11;

/** The cluster, and the namespace of the node `OWN` in it. */
export interface LargeCluster {
  api: KubeApi;
  place: Place;
  /** The Node object with this number; those from 11 on are there, as many as were asked for. */
  specOf(number: number): NodeSpec;
  /** All nodes report, and nothing of what the agent reads has changed. */
  heartbeat(): void;
}

/** Starts it. Node objects have so many kilobytes, as real ones have by their list of images. */
export async function largeCluster(
  world: World,
  { nodes, kilobytes }: { nodes: number; kilobytes: number },
): Promise<LargeCluster> {
  const images = Array.from({ length: kilobytes * 5 }, (_, at) => ({
    names: [`registry.example/some/image-${at}@sha256:${"0123456789abcdef".repeat(4)}`],
    sizeBytes: 100_000_000 + at,
  }));
  const specOf = (number: number): NodeSpec => {
    const [high, low] = [Math.floor(number / 200), (number % 200) + 1];
    return {
      name: `node${number}`,
      created: "2026-01-01T00:00:00Z",
      podCIDRs: [`10.${128 + high}.${low}.0/24`, `fd01:${number.toString(16)}::/64`],
      internalIPs: [`10.90.${high}.${low}`, `fd90::${number.toString(16)}`],
      more: { images },
    };
  };
  const lan = await segment(world, "lan");
  const place = await world.pod(OWN);
  await join(place, { place: lan, bridge: "br0" }, { ipv4: "10.90.0.12", ipv6: "fd90::b" });
  await place.must("ip address change 10.90.0.12/16 dev eth0");
  await place.must("ip address delete 10.90.0.12/24 dev eth0");
  const api = new KubeApi();
  const heartbeat = (): void => {
    for (let number = FIRST; number < FIRST + nodes; number++) api.put(specOf(number));
  };
  heartbeat();
  await startIn(api, world, place);
  return { api, place, specOf, heartbeat };
}

/** The memory of a process in MB (2^20 bytes), as the kernel counts it. */
export interface Memory {
  resident: number;
  peak: number;
  /** Its own: what is no page of a file. */
  own: number;
}

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytesOf = (key: string): number =>
    Number(new RegExp(`${key}:\\s+(\\d+)`).exec(text)?.[1] ?? Number.NaN) / 1024;
  return { resident: megabytesOf("VmRSS"), peak: megabytesOf("VmHWM"), own: megabytesOf("RssAnon") };
}
