// The agent in a cluster of 2,000 nodes: the API server is simulated, executable and kernel are real.
import { expect } from "vitest";
import { agentOptions, RunningAgent } from "../support/agent.ts";
import { largeCluster, memoryOf, OWN } from "../support/large-cluster.ts";
import { scene } from "../support/scene.ts";
import { waitFor } from "../support/wait.ts";

scene(
  "2,000 nodes of both families are 3,998 routes and at most 64 MB of memory",
  async (world) => {
    const { api, place, specOf } = await largeCluster(world, { nodes: 2000, kilobytes: 12 });
    await using _ = api;
    await using agent = new RunningAgent(place, agentOptions(world, api, OWN));
    await agent.isReady(120_000);
    const routes = await Promise.all(
      [4, 6].map((family) => place.must(`ip -${family} route show proto 180`)),
    );
    expect(routes.map((text) => text.trim().split("\n").length)).toEqual([1999, 1999]);
    const isSmall = (): boolean => memoryOf(agent.process.pid).resident <= 64;
    await waitFor("the agent takes 64 MB or less", isSmall, 10_000);
    const [subnet] = specOf(2500).podCIDRs!;
    api.put(specOf(2500));
    await waitFor(
      "a node more has its route",
      async () => (await place.must(`ip route show ${subnet}`)) !== "",
      60_000,
    );
    await waitFor("the agent takes 64 MB or less again", isSmall, 10_000);
  },
  180_000,
);
