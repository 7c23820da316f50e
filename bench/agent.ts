// The agent in a cluster of 2,000 nodes, simulated: memory, processor time, and the time of an event.
//
//   node bench/agent.ts [NODES] [KILOBYTES OF A NODE OBJECT] [OPTIONS OF NODE...]
//
// It changes nothing of this machine: the network is a namespace of its own. Needs root.
import "../test/support/native.ts";

import { readFileSync } from "node:fs";
import { agentOptions, NODE_OPTIONS, RunningAgent } from "../test/support/agent.ts";
import { largeCluster, memoryOf, OWN } from "../test/support/large-cluster.ts";
import { waitFor } from "../test/support/wait.ts";
import { openWorld } from "../test/support/world.ts";

const [count = "2000", kilobytes = "12", ...given] = process.argv.slice(2);
const nodes = Number(count);
const nodeOptions = given.length === 0 ? NODE_OPTIONS : given;

function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

await using world = await openWorld();
const { api, place, specOf, heartbeat } = await largeCluster(world, { nodes, kilobytes: Number(kilobytes) });
await using _ = api;
await using agent = new RunningAgent(place, agentOptions(world, api, OWN), { nodeOptions });
const begin = performance.now();
await agent.isReady(120_000);
const pid = agent.process.pid;
const say = (what: string): void => {
  const { resident, peak, own } = memoryOf(pid);
  console.log(
    `${what.padEnd(30)} resident ${resident.toFixed(1)} MB (own ${own.toFixed(1)}), ` +
      `peak ${peak.toFixed(1)} MB, processor ${cpuSecondsOf(pid).toFixed(2)} s`,
  );
};
say(`ready after ${Math.round(performance.now() - begin)} ms`);

/** A node joins; gives the milliseconds until its route is there. */
async function joins(number: number): Promise<number> {
  const start = performance.now();
  const [subnet] = specOf(number).podCIDRs!;
  api.put(specOf(number));
  await waitFor(
    "the route is there",
    async () => (await place.must(`ip route show ${subnet}`)) !== "",
    60_000,
  );
  return performance.now() - start;
}

for (let round = 0; round < 3; round++)
  say(`a node more: ${Math.round(await joins(nodes + 100 + round))} ms`);
for (let round = 0; round < 3; round++) {
  heartbeat();
  await joins(nodes + 200 + round);
  say("heartbeats of all nodes");
}
const lists = api.count("list");
api.compact();
api.endWatches();
await waitFor("it has listed anew", () => api.count("list") >= lists + nodes / 100, 60_000);
await waitFor("it watches", () => api.watches === 1, 60_000);
say("listed anew");
