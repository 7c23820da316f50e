// What the agent tells as Events of the Node, and its care for attachments.
import type { ServerResponse } from "node:http";
import { expect } from "vitest";
import { agentOptions, RunningAgent, startIn } from "../support/agent.ts";
import { forget } from "../support/by-person.ts";
import { add } from "../support/cni.ts";
import { addWithPorts, portNetwork } from "../support/host-port.ts";
import { KubeApi, type Seen, sendStatus } from "../support/kube-api.ts";
import { scene } from "../support/scene.ts";
import { waitFor } from "../support/wait.ts";
import type { World } from "../support/world.ts";

const EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events";

interface Told {
  reason: string;
  note: string;
  type: string;
  regarding: object;
}

/** An API server at the loopback of the world's host, with these podCIDRs of its node. */
async function server(world: World, podCIDRs: string[]): Promise<KubeApi> {
  const api = new KubeApi();
  api.put({ name: "node1", podCIDRs, internalIPs: ["10.90.0.11"] });
  await startIn(api, world, world.host);
  return api;
}

/** Takes events as the API server does. */
function takeEvents({ path, method, body }: Seen, response: ServerResponse): boolean {
  if (!path.startsWith(EVENTS)) return false;
  response.writeHead(method === "POST" ? 201 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify({ ...(JSON.parse(body) as object), metadata: { name: "node1.pontoon-1" } }));
  return true;
}

function toldTo(api: KubeApi): Told[] {
  return api.seen.filter(({ path }) => path === EVENTS).map(({ body }) => JSON.parse(body) as Told);
}

scene("a problem is an Event of the node's own object, once", async (world) => {
  await using api = await server(world, []);
  api.fault = takeEvents;
  await using agent = new RunningAgent(world.host, agentOptions(world, api, "node1"));
  await waitFor("an event is told", () => toldTo(api).length > 0, 10_000);
  expect(toldTo(api)[0]).toMatchObject({
    reason: "NoPodCidr",
    type: "Warning",
    regarding: { kind: "Node", name: "node1", uid: "uid-node1" },
  });
  // The problem goes and comes again: it is counted up later, and no second event.
  api.put({ name: "node1", podCIDRs: ["10.244.1.0/24"], internalIPs: ["10.90.0.11"] });
  await agent.isReady();
  api.put({ name: "node1", podCIDRs: [], internalIPs: ["10.90.0.11"] });
  await waitFor(
    "it is told again",
    () => agent.log.filter(({ code }) => code === "no-pod-cidr").length === 2,
  );
  expect(toldTo(api).filter(({ reason }) => reason === "NoPodCidr")).toHaveLength(1);
});

scene("without the right to create events the agent says so once and works on", async (world) => {
  await using api = await server(world, []);
  api.fault = ({ path }, response) => {
    if (!path.startsWith(EVENTS)) return false;
    sendStatus(response, 403, "events is forbidden");
    return true;
  };
  await using agent = new RunningAgent(world.host, agentOptions(world, api, "node1"));
  expect((await agent.logs("events-off")).msg).toContain("does not let the agent create events (403");
  api.put({ name: "node1", podCIDRs: ["10.244.1.0/24"], internalIPs: ["10.90.0.11"] });
  await agent.isReady();
  api.put({ name: "node1", podCIDRs: ["10.244.2.0/24"], internalIPs: ["10.90.0.11"] });
  await agent.logs("pod-cidr-changed");
  expect(toldTo(api)).toHaveLength(1);
});

scene(
  "care collects an attachment whose namespace is gone, puts flushed rules back, and leaves the living alone",
  async (world) => {
    const pods = portNetwork(world, "pods");
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await addWithPorts(world, pods, red, [{ hostPort: 8080, containerPort: 80 }]);
    await add(world, pods, blue);
    await addWithPorts(world, pods, await world.pod("green"), [{ hostPort: 9090, containerPort: 90 }]);
    await forget(world, red);
    const rules = (): Promise<string> => world.host.must("nft list ruleset");
    expect(await rules()).toContain("8080");
    await using api = await server(world, ["10.244.1.0/24"]);
    api.fault = takeEvents;
    await using agent = new RunningAgent(
      world.host,
      agentOptions(world, api, "node1", "--care", "true", "--care-interval", "1s"),
    );
    expect((await agent.logs("collected")).msg).toContain("its namespace is gone");
    expect(await rules()).not.toContain("8080");
    expect(await rules()).toContain("9090");
    await waitFor("it is told", () => toldTo(api).some(({ reason }) => reason === "Collected"));
    await world.host.must("nft flush ruleset");
    await waitFor("the rules are back", async () => (await rules()).includes("9090"), 15_000);
    await waitFor("it is counted", async () =>
      /repairs_total\{what="re(paired|stored)"\} [1-9]/.test(await agent.get("/metrics")),
    );
  },
  60_000,
);

scene("a fault that the doctor finds has its code in log, metric and Event", async (world) => {
  const pods = portNetwork(world, "pods");
  const red = await world.pod("red");
  await add(world, pods, red);
  await world.host.must(["sh", "-c", `rm $(grep -rl ${red.containerId} /var/lib/cni/networks/pods)`]);
  await using api = await server(world, ["10.244.1.0/24"]);
  api.fault = takeEvents;
  await using agent = new RunningAgent(
    world.host,
    agentOptions(world, api, "node1", "--care", "true", "--care-interval", "1s"),
  );
  const { msg } = await agent.logs("finding-lost-lease");
  expect(msg).toMatch(/^\S+: its lease of 10\.\S+ in .*\. To mend it: printf/);
  expect(await agent.get("/metrics")).toMatch(
    /^pontoon_agent_findings\{code="lost-lease",severity="error",repairable="false"\} [1-9]/m,
  );
  await waitFor("an Event tells it", () => toldTo(api).some(({ reason }) => reason === "FindingLostLease"));
});

scene("a --conflist-patch that Pontoon would refuse is told, and nothing is applied", async (world) => {
  await using api = await server(world, ["10.244.1.0/24"]);
  await using agent = new RunningAgent(
    world.host,
    agentOptions(world, api, "node1", "--conflist-patch", '{"mtu": "big", "ingresPolicy": "open"}'),
  );
  const { msg } = await agent.logs("wrong-conflist");
  expect(msg).toContain("--conflist-patch");
  expect(msg).toContain('did you mean "ingressPolicy"');
  expect(await agent.get("/readyz")).not.toBe("ok\n");
  expect((await world.host.must("nft list tables")).trim()).toBe("");
});
