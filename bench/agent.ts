// The agent in a cluster of 2,000 nodes, simulated: memory, processor time, and the time of an event.
//
//   node bench/agent.ts [NODES] [KILOBYTES OF A NODE OBJECT] [OPTIONS OF NODE...]
//
// It changes nothing of this machine: the network is a namespace of its own. Needs root.
import "../test/support/native.ts";

import { readFileSync } from "node:fs";
import { agentOptions, NODE_OPTIONS, RunningAgent, startIn } from "../test/support/agent.ts";
import { join, segment } from "../test/support/cluster.ts";
import { KubeApi, type NodeSpec } from "../test/support/kube-api.ts";
import { waitFor } from "../test/support/wait.ts";
import { openWorld } from "../test/support/world.ts";

const [count = "2000", kilobytes = "12", ...given] = process.argv.slice(2);
const nodeOptions = given.length === 0 ? NODE_OPTIONS : given;

/** What a real Node object has beside: mostly the list of images. */
const images = Array.from({ length: Number(kilobytes) * 5 }, (_, at) => ({
  names: [`registry.example/some/image-${at}@sha256:${"0123456789abcdef".repeat(4)}`],
  sizeBytes: 100_000_000 + at,
}));

function specOf(number: number, created = "2026-01-01T00:00:00Z"): NodeSpec {
  const [high, low] = [Math.floor(number / 200), (number % 200) + 1];
  return {
    name: `node${number}`,
    created,
    podCIDRs: [`10.${128 + high}.${low}.0/24`, `fd01:${number.toString(16)}::/64`],
    internalIPs: [`10.90.${high}.${low}`, `fd90::${number.toString(16)}`],
    more: { images },
  };
}

interface Memory {
  rss: number;
  peak: number;
  /** Its own; the rest are pages of Node's file. */
  anon: number;
}

function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const kilobytesOf = (key: string): number => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(text)?.[1] ?? 0);
  return {
    rss: kilobytesOf("VmRSS") / 1024,
    peak: kilobytesOf("VmHWM") / 1024,
    anon: kilobytesOf("RssAnon") / 1024,
  };
}

function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

await using world = await openWorld();
const lan = await segment(world, "lan");
const place = await world.pod("node11");
await join(place, { place: lan, bridge: "br0" }, { ipv4: "10.90.0.12", ipv6: "fd90::b" });
await place.must("ip address change 10.90.0.12/16 dev eth0");
await place.must("ip address delete 10.90.0.12/24 dev eth0");
await using api = new KubeApi();
for (let number = 11; number < Number(count) + 11; number++) api.put(specOf(number));
await startIn(api, world, place);
await using agent = new RunningAgent(place, agentOptions(world, api, "node11", "--log-level", "info"), {
  nodeOptions,
});
const begin = performance.now();
await agent.isReady(120_000);
const pid = agent.process.pid;
const say = (what: string): void => {
  const { rss, peak, anon } = memoryOf(pid);
  console.log(
    `${what.padEnd(40)} rss ${rss.toFixed(1)} MB (own ${anon.toFixed(1)}), peak ${peak.toFixed(1)} MB, cpu ${cpuSecondsOf(pid).toFixed(2)} s`,
  );
};
say(`ready after ${Math.round(performance.now() - begin)} ms`);
const routes = async (): Promise<number> =>
  (await place.must("ip -4 route show proto 180")).split("\n").filter((line) => line !== "").length;
for (let round = 0; round < 3; round++) {
  const number = Number(count) + 100 + round;
  const start = performance.now();
  const before = await routes();
  api.put(specOf(number));
  await waitFor("the route is there", async () => (await routes()) === before + 1, 60_000);
  say(`a node more: ${Math.round(performance.now() - start)} ms`);
}
for (let round = 0; round < 3; round++) {
  // Heartbeats of all nodes: nothing that the agent keeps changes.
  for (let number = 11; number < Number(count) + 11; number++) api.put(specOf(number));
  const marker = Number(count) + 200 + round;
  const before = await routes();
  api.put(specOf(marker));
  await waitFor("the route is there", async () => (await routes()) === before + 1, 60_000);
  say("heartbeats of all nodes");
}
api.compact();
api.endWatches();
await waitFor("it has listed anew", () => api.count("list") > Number(count) / 50, 60_000);
await waitFor("it watches", () => api.watches === 1, 60_000);
say("listed anew");
