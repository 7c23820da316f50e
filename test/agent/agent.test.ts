// The agent as a process, with the real executable, in a network namespace, against a simulated API server.
import { expect } from "vitest";
import { agentOptions, BIN_FOLDER, CONFLIST, RunningAgent, startIn } from "../support/agent.ts";
import { type ClusterNode, clusterNode, segment, subnetsOf } from "../support/cluster.ts";
import { KubeApi } from "../support/kube-api.ts";
import { scene } from "../support/scene.ts";
import { waitFor } from "../support/wait.ts";
import type { World } from "../support/world.ts";

/** A node of the world with an API server of its own at its loopback, which knows so many nodes. */
async function node(world: World, count: number): Promise<{ node: ClusterNode; api: KubeApi }> {
  const lan = await segment(world, "lan");
  const own = await clusterNode(world, 1, { place: lan });
  const api = new KubeApi();
  for (let number = 1; number <= count; number++) api.put(specOf(number));
  await startIn(api, world, own.place);
  return { node: own, api };
}

function specOf(number: number) {
  return {
    name: `node${number}`,
    podCIDRs: subnetsOf(number),
    internalIPs: [`10.90.0.1${number}`, `fd90::1${number}`],
  };
}

async function routesOf({ place }: ClusterNode): Promise<string[]> {
  const all = await Promise.all([
    place.must("ip -4 route show proto 180"),
    place.must("ip -6 route show proto 180"),
  ]);
  return all
    .join("")
    .split("\n")
    .flatMap((line) => {
      const [, dst, via] = /^(\S+) via (\S+) /.exec(line) ?? [];
      return dst === undefined ? [] : [`${dst} via ${via}`];
    })
    .sort();
}

const ROUTES = (...numbers: number[]): string[] =>
  numbers
    .flatMap((number) => [
      `10.244.${number}.0/24 via 10.90.0.1${number}`,
      `fd01:${number}::/64 via fd90::1${number}`,
    ])
    .sort();

scene(
  "a node gets plugin, routes, masquerading and configuration; what changes in the cluster changes on it",
  async (world) => {
    const { node: one, api } = await node(world, 3);
    await using _ = api;
    await using agent = new RunningAgent(one.place, agentOptions(world, api, "node1"));
    await agent.isReady();
    expect(await routesOf(one)).toEqual(ROUTES(2, 3));
    expect(world.has(`${BIN_FOLDER}/pontoon`)).toBe(true);
    expect(world.has(`${BIN_FOLDER}/loopback`)).toBe(true);
    const conflist = JSON.parse(world.read(CONFLIST)) as { plugins: { ipam: { ranges: object } }[] };
    expect(conflist.plugins[0]?.ipam.ranges).toEqual([
      [{ subnet: "10.244.1.0/24" }],
      [{ subnet: "fd01:1::/64" }],
    ]);
    expect(await one.place.must("nft list table inet pontoon-node")).toContain("masquerade");
    api.put(specOf(4));
    api.remove("node2");
    await waitFor("the routes follow", async () => `${await routesOf(one)}` === `${ROUTES(3, 4)}`);
    await agent.stop("SIGTERM");
    expect(await routesOf(one)).toEqual(ROUTES(3, 4));
    expect(world.has(CONFLIST)).toBe(true);
  },
);
