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
    const rules = await one.place.must("nft list table inet pontoon-node");
    for (const part of ["masquerade", "10.244.1.0/24", "10.90.0.11-10.90.0.13", "fd01:1::/64", "fd90::11"])
      expect(rules).toContain(part);
    api.put(specOf(4));
    api.remove("node2");
    await waitFor("the routes follow", async () => `${await routesOf(one)}` === `${ROUTES(3, 4)}`);
    await agent.stop("SIGTERM");
    expect(await routesOf(one)).toEqual(ROUTES(3, 4));
    expect(world.has(CONFLIST)).toBe(true);
  },
);

/** Starts an agent that is ready, for the node of `node`. */
async function running(
  world: World,
  own: ClusterNode,
  api: KubeApi,
  ...more: string[]
): Promise<RunningAgent> {
  const agent = new RunningAgent(own.place, agentOptions(world, api, "node1", ...more));
  await agent.isReady();
  return agent;
}

async function routesBecome(own: ClusterNode, routes: string[]): Promise<void> {
  await waitFor("the routes are as wanted", async () => `${await routesOf(own)}` === `${routes}`, 15_000);
}

/** The value of a metric, with its labels as they are printed. */
async function metric(agent: RunningAgent, name: string): Promise<number> {
  const line = (await agent.get("/metrics")).split("\n").find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length) ?? Number.NaN);
}

scene(
  "what changed while the agent was killed is so when it is back, and nothing stale stays",
  async (world) => {
    const { node: one, api } = await node(world, 4);
    await using _ = api;
    const first = await running(world, one, api);
    await first.stop("SIGKILL");
    expect(await routesOf(one)).toEqual(ROUTES(2, 3, 4));
    api.remove("node2");
    // Made anew with the same name, at another address; and a subnet that now belongs to another node.
    api.remove("node3");
    api.put({ ...specOf(3), uid: "another", internalIPs: ["10.90.0.33", "fd90::33"] });
    api.remove("node4");
    api.put({ ...specOf(5), podCIDRs: subnetsOf(4) });
    await using __ = await running(world, one, api);
    expect(await routesOf(one)).toEqual(
      [
        "10.244.3.0/24 via 10.90.0.33",
        "10.244.4.0/24 via 10.90.0.15",
        "fd01:3::/64 via fd90::33",
        "fd01:4::/64 via fd90::15",
      ].sort(),
    );
  },
);

scene("the same changes reach an agent that runs", async (world) => {
  const { node: one, api } = await node(world, 3);
  await using _ = api;
  await using agent = await running(world, one, api);
  api.put({ ...specOf(2), internalIPs: ["10.90.0.22", "fd90::22"] });
  await routesBecome(one, ["10.244.2.0/24 via 10.90.0.22", "fd01:2::/64 via fd90::22", ...ROUTES(3)].sort());
  // Two nodes have one podCIDR: the older object counts, and it is told.
  api.put({ ...specOf(6), podCIDRs: subnetsOf(3), created: "2026-06-01T00:00:00Z" });
  const { msg } = await agent.logs("overlap");
  expect(msg).toContain("of node node6 overlaps");
  api.remove("node6");
  await routesBecome(one, ["10.244.2.0/24 via 10.90.0.22", "fd01:2::/64 via fd90::22", ...ROUTES(3)].sort());
  await agent.logs("solved");
});

scene("a node without podCIDRs is told why and stays as it is; with one it becomes ready", async (world) => {
  const { node: one, api } = await node(world, 2);
  await using _ = api;
  api.put({ ...specOf(1), podCIDRs: [] });
  await using agent = new RunningAgent(one.place, agentOptions(world, api, "node1"));
  expect((await agent.logs("no-pod-cidr")).msg).toContain("--allocate-node-cidrs");
  expect(await agent.get("/readyz")).toMatch(/^node node1 has no podCIDR: /);
  expect(await agent.get("/healthz")).toBe("ok\n");
  expect(await routesOf(one)).toEqual([]);
  expect(world.has(CONFLIST)).toBe(false);
  api.remove("node1");
  await waitFor("the reason is another", async () =>
    (await agent.get("/readyz")).startsWith("the cluster has no node node1"),
  );
  api.put(specOf(1));
  await agent.isReady();
  api.put({ ...specOf(1), podCIDRs: ["10.244.9.0/24"] });
  expect((await agent.logs("pod-cidr-changed")).msg).toContain(
    "10.244.1.0/24, fd01:1::/64 and are 10.244.9.0/24",
  );
  await waitFor("the configuration has it", () => world.read(CONFLIST).includes("10.244.9.0/24"));
});

scene("an API server that is away changes nothing, and what it says afterwards is done", async (world) => {
  const { node: one, api } = await node(world, 3);
  await using _ = api;
  await using agent = await running(world, one, api);
  await api.stop();
  await agent.logs("api-unreachable");
  expect(await routesOf(one)).toEqual(ROUTES(2, 3));
  expect(await agent.get("/readyz")).toBe("ok\n");
  api.remove("node2");
  await startIn(api, world, one.place);
  await routesBecome(one, ROUTES(3));
});

scene(
  "an Event of the time without the API server arrives when it is back, and SIGTERM waits for none",
  async (world) => {
    const { node: one, api } = await node(world, 1);
    await using _ = api;
    const agent = await running(world, one, api);
    await api.stop();
    const other = CONFLIST.replace("10-pontoon", "05-other");
    world.write(other, "{}");
    await agent.logs("event-failed");
    const isTold = (): boolean =>
      api.seen.some(({ method, body }) => method === "POST" && body.includes("NoteFirstConflist"));
    expect(isTold()).toBe(false);
    await startIn(api, world, one.place);
    await waitFor("the Event is told", isTold, 15_000);
    await api.stop();
    await world.host.must(`mv ${other} ${other.replace("05", "06")}`);
    await waitFor(
      "another Event waits",
      () => agent.log.filter(({ code }) => code === "event-failed").length > 1,
    );
    const begin = performance.now();
    await agent.stop("SIGTERM");
    expect(performance.now() - begin).toBeLessThan(3000);
    expect(agent.log.at(-1)?.code).toBe("stopped");
  },
);

scene("a burst of nodes is one apply", async (world) => {
  const { node: one, api } = await node(world, 1);
  await using _ = api;
  await using agent = await running(world, one, api);
  const name = 'pontoon_agent_changes_total{action="added"}';
  const applies = "pontoon_agent_apply_duration_seconds_count";
  const [before, added] = [await metric(agent, applies), await metric(agent, name)];
  for (let number = 2; number < 200; number++)
    api.put({
      name: `n${number}`,
      podCIDRs: [`10.245.${number}.0/24`],
      internalIPs: [`10.90.0.${number + 20}`],
    });
  await waitFor("all routes are there", async () => (await metric(agent, name)) === added + 198, 15_000, 50);
  expect((await metric(agent, applies)) - before).toBeLessThanOrEqual(5);
});

scene("a configuration of others that comes first is left alone and told", async (world) => {
  const { node: one, api } = await node(world, 1);
  await using _ = api;
  const other = CONFLIST.replace("10-pontoon", "05-other");
  world.write(other, "{}");
  await using agent = await running(world, one, api);
  expect((await agent.logs("note-first-conflist")).msg).toContain(
    "05-other.conflist before 10-pontoon.conflist",
  );
  expect(world.read(other)).toBe("{}");
  expect(await metric(agent, 'pontoon_agent_problems{code="note-first-conflist"}')).toBe(1);
});

scene("--remove leaves nothing of ours, and a plugin of others stays", async (world) => {
  const { node: one, api } = await node(world, 2);
  await using _ = api;
  const agent = await running(world, one, api);
  await agent.stop("SIGTERM");
  world.write(`${BIN_FOLDER}/bridge`, "of others");
  const removed = await RunningAgent.once(one.place, agentOptions(world, api, "node1", "--remove"));
  expect(removed.status).toBe(0);
  expect(await routesOf(one)).toEqual([]);
  expect((await one.place.must("nft list tables")).trim()).toBe("");
  expect(
    (
      await world.host.must(`find ${BIN_FOLDER} ${CONFLIST.replace(/\/[^/]*$/, "")} -type f -o -type l`)
    ).trim(),
  ).toBe(`${BIN_FOLDER}/bridge`);
});

scene("--dry-run prints the wish and changes nothing", async (world) => {
  const { node: one, api } = await node(world, 3);
  await using _ = api;
  api.put({ ...specOf(3), internalIPs: ["10.91.0.13", "fd91::13"] });
  const { status, stdout } = await RunningAgent.once(
    one.place,
    agentOptions(world, api, "node1", "--dry-run"),
  );
  expect(status).toBe(0);
  const wish = JSON.parse(stdout) as { routes: object[]; tunnel: object };
  expect(wish.routes).toHaveLength(2);
  expect(wish.tunnel).toMatchObject({ local: "10.90.0.11", peers: [{ address: "10.91.0.13" }] });
  expect(await routesOf(one)).toEqual([]);
  expect(world.has(CONFLIST)).toBe(false);
});

scene("routes and rules that others take are back long before the next apply of its own", async (world) => {
  const { node: one, api } = await node(world, 3);
  await using _ = api;
  await using agent = await running(world, one, api);
  await one.place.must("ip route flush proto 180");
  await one.place.must("ip -6 route flush proto 180");
  await routesBecome(one, ROUTES(2, 3));
  await one.place.must("nft flush ruleset");
  await waitFor("masquerading is back", async () =>
    (await one.place.must("nft list ruleset")).includes("masquerade"),
  );
  expect(await agent.get("/readyz")).toBe("ok\n");
});

scene("a node behind a router is reached by the tunnel, whose MTU is that of the pods", async (world) => {
  const { node: one, api } = await node(world, 3);
  await using _ = api;
  await one.place.must("ip route add default via 10.90.0.100");
  api.put({ ...specOf(3), internalIPs: ["10.91.0.13", "fd91::13"] });
  await using agent = await running(world, one, api);
  expect(await routesOf(one)).toEqual(expect.arrayContaining(ROUTES(2)));
  const route = await one.place.must("ip route get 10.244.3.9");
  expect(route).toContain("dev pontoon-vxlan");
  expect(world.read(CONFLIST)).toContain('"mtu": 1450');
  api.put(specOf(3));
  await routesBecome(one, ROUTES(2, 3));
  await waitFor(
    "the tunnel is gone",
    async () => !(await one.place.must("ip link")).includes("pontoon-vxlan"),
  );
  await waitFor("the configuration follows", () => !world.read(CONFLIST).includes('"mtu"'));
  expect(await agent.get("/readyz")).toBe("ok\n");
});

scene(
  "pods that are older than the tunnel and send more than it takes are a problem, until they are gone",
  async (world) => {
    const { node: one, api } = await node(world, 3);
    await using _ = api;
    await one.place.must("ip route add default via 10.90.0.100");
    await using agent = await running(world, one, api);
    await one.place.must("ip link add pontoon0 type bridge");
    await one.place.must("ip link add old type veth peer name peer");
    await one.place.must("ip link set old master pontoon0");
    await one.place.must("ip link add new mtu 1450 type veth peer name newpeer");
    await one.place.must("ip link set new master pontoon0");
    api.put({ ...specOf(3), internalIPs: ["10.91.0.13", "fd91::13"] });
    const { msg } = await agent.logs("mtu-above-tunnel");
    expect(msg).toContain("the 1450 bytes that it takes");
    await waitFor(
      "the metric says it",
      async () => (await metric(agent, 'pontoon_agent_problems{code="mtu-above-tunnel"}')) === 1,
    );
    await one.place.must("ip link delete old");
    api.put(specOf(4));
    await agent.logs("solved");
  },
);

scene(
  "a node that a new address of this node reaches without a router gets a route, without a word of the cluster",
  async (world) => {
    const { node: one, api } = await node(world, 1);
    await using _ = api;
    await one.place.must("ip route add default via 10.90.0.100");
    api.put({ ...specOf(2), podCIDRs: ["10.244.2.0/24"], internalIPs: ["10.91.0.12"] });
    await using agent = await running(world, one, api);
    expect(await one.place.must("ip route get 10.244.2.9")).toContain("dev pontoon-vxlan");
    await one.place.must("ip address add 10.91.0.11/24 dev eth0");
    await routesBecome(one, ["10.244.2.0/24 via 10.91.0.12"]);
    expect(await agent.get("/readyz")).toBe("ok\n");
  },
);

scene(
  "an uplink that is down moves no peer to the tunnel, and is one problem until it is up",
  async (world) => {
    const { node: one, api } = await node(world, 4);
    await using _ = api;
    await one.place.must("ip route add default via 10.90.0.100");
    await using agent = await running(world, one, api);
    const before = world.read(CONFLIST);
    await one.place.must("ip link set eth0 down");
    const { msg } = await agent.logs("refused-no-way");
    expect(msg).toMatch(/^6 routes, the first of them route \S+ via \S+: .* no way to these addresses now/);
    expect(await metric(agent, 'pontoon_agent_problems{code="refused-no-way"}')).toBe(1);
    expect(await one.place.must("ip link")).not.toContain("pontoon-vxlan");
    expect(world.read(CONFLIST)).toBe(before);
    await one.place.must("ip link set eth0 up");
    await one.place.must("ip address add fd90::11/64 dev eth0 nodad");
    await routesBecome(one, ROUTES(2, 3, 4));
    await agent.logs("solved");
  },
);

scene("pods keep the tunnel's MTU while the uplink has no carrier", async (world) => {
  const lan = await segment(world, "lan");
  const one = await clusterNode(world, 1, { place: lan });
  await using api = new KubeApi();
  api.put(specOf(1));
  api.put({ ...specOf(3), internalIPs: ["10.91.0.13"] });
  await startIn(api, world, one.place);
  await using _ = await running(world, one, api, "--backend", "vxlan");
  expect(world.read(CONFLIST)).toContain('"mtu": 1450');
  await lan.must("ip link set p-node1 down");
  await waitFor("eth0 has no carrier", async () => (await one.place.must("ip link")).includes("NO-CARRIER"));
  api.put({ ...specOf(4), internalIPs: ["10.91.0.14"] });
  await waitFor("the tunnel has the new node", async () =>
    (await one.place.must("bridge fdb show dev pontoon-vxlan")).includes("10.91.0.14"),
  );
  expect(world.read(CONFLIST)).toContain('"mtu": 1450');
});

scene(
  "an address on the loopback gives pods the MTU of the way out, less the tunnel's bytes",
  async (world) => {
    const { node: one, api } = await node(world, 0);
    await using _ = api;
    const [four, six] = ["10.99.0.1", "fd99::1"];
    for (const command of [
      `ip address add ${four}/32 dev lo`,
      `ip address add ${six}/128 dev lo`,
      "ip link add slow mtu 1400 type veth peer name far",
      "ip link set slow up",
      "ip route add default via 10.90.0.100",
      "ip route add default dev slow metric 9",
      "ip -6 route add default dev slow metric 9",
      "ip -6 route add default via fd90::100",
    ])
      await one.place.must(command);
    for (const [address, mtu] of [
      [four, 1450],
      [six, 1330],
    ] as const) {
      api.put({ ...specOf(1), internalIPs: [address] });
      await using _agent = await running(world, one, api, "--backend", "vxlan");
      await waitFor("the configuration follows", () => world.read(CONFLIST).includes(`"mtu": ${mtu}`));
      expect(await one.place.must("ip link show pontoon-vxlan")).toContain(` mtu ${mtu} `);
    }
  },
);

scene("a full disk is told, and the agent's own tries are no reason for more of them", async (world) => {
  const { node: one, api } = await node(world, 1);
  await using _ = api;
  const folder = CONFLIST.replace(/\/[^/]*$/, "");
  await world.host.must(`mount -t tmpfs -o size=16k tmpfs ${folder}`);
  await world.host.must(["dd", "if=/dev/zero", `of=${folder}/full`, "bs=4096", "count=4"]);
  await using agent = new RunningAgent(one.place, agentOptions(world, api, "node1"));
  expect((await agent.logs("refused-failed")).msg).toContain("ENOSPC");
  expect(await agent.get("/readyz")).toContain("ENOSPC");
  const applies = "pontoon_agent_apply_duration_seconds_count";
  let before = Number.NaN;
  await waitFor(
    "applies come to rest",
    async () => before === (before = await metric(agent, applies)),
    15_000,
    2000,
  );
  await world.host.must(`rm ${folder}/full`);
  await agent.isReady();
});

scene("a plugin that cannot be replaced serves on, and the node follows the cluster", async (world) => {
  const { node: one, api } = await node(world, 2);
  await using _ = api;
  await world.host.must(`mkdir -p ${BIN_FOLDER}`);
  await world.host.must(`mount -t tmpfs tmpfs ${BIN_FOLDER}`);
  world.write(`${BIN_FOLDER}/pontoon`, "older");
  await world.host.must(`chmod 755 ${BIN_FOLDER}/pontoon`);
  await world.host.must(`mount -o remount,ro ${BIN_FOLDER}`);
  await using agent = await running(world, one, api);
  expect((await agent.logs("install-failed")).msg).toContain("EROFS");
  expect(await routesOf(one)).toEqual(ROUTES(2));
  api.put(specOf(3));
  await routesBecome(one, ROUTES(2, 3));
  expect(agent.log.filter(({ code }) => code === "install-failed")).toHaveLength(1);
});

scene("without any plugin a node is not ready, and has no configuration", async (world) => {
  const { node: one, api } = await node(world, 2);
  await using _ = api;
  await world.host.must(`mkdir -p ${BIN_FOLDER}`);
  await world.host.must(`mount -t tmpfs -o ro tmpfs ${BIN_FOLDER}`);
  await using agent = new RunningAgent(one.place, agentOptions(world, api, "node1"));
  expect((await agent.logs("install-failed")).msg).toContain("EROFS");
  expect(await agent.get("/readyz")).toContain("EROFS");
  expect(world.has(CONFLIST)).toBe(false);
});

scene("a plugin and a configuration that somebody removes are back at once", async (world) => {
  const { node: one, api } = await node(world, 1);
  await using _ = api;
  await using agent = await running(world, one, api);
  await world.host.must(`rm ${CONFLIST} ${BIN_FOLDER}/pontoon`);
  await waitFor("the plugin is back", () => world.has(`${BIN_FOLDER}/pontoon`), 10_000);
  await waitFor("the configuration is back", () => world.has(CONFLIST), 10_000);
  expect(await agent.get("/readyz")).toBe("ok\n");
});
