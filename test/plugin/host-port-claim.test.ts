// Host ports that somebody has already: two pods, or a process of the node.
import { expect } from "vitest";
import { add, addressOf, check, del, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { addWithPorts, both, portArgs, portConfig, portNetwork, talk } from "../support/host-port.ts";
import { dies } from "../support/link.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { refused } from "../support/refusal.ts";
import { scene } from "../support/scene.ts";
import { warmUp } from "../support/steady.ts";
import { connect, serve } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

const PREV = { cniVersion: "1.1.0", interfaces: [], ips: [] };
const WEB = [{ hostPort: 8080, containerPort: 80 }];

scene(
  "a port that another network's pod holds is refused with the pod's name, nothing is left, and DEL frees it",
  async (world) => {
    const { pods, others } = await stage(world);
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await addWithPorts(world, pods, red, both(WEB[0]!));
    const error = await refused(world, {
      network: others,
      pod: blue,
      more: portConfig([{ hostPort: 8081, containerPort: 81 }, ...WEB]),
    });
    expect(error).toMatchObject({
      code: 131,
      msg: `host port cannot be used: it belongs to container ${red.containerId} (network pods, eth0)`,
    });
    expect(error.details).toContain("Tried to take tcp port 8080");
    await del(world, pods, red);
    await addWithPorts(world, others, blue, both(WEB[0]!));
  },
);

scene("an error names the pod that has the port or the address, not its container", async (world) => {
  const { pods } = await stage(world);
  const call = (pod: Pod, name: string, ips: string[]) => ({
    network: pods,
    pod,
    env: { CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name}` },
    more: { runtimeConfig: { portMappings: WEB, ips } },
  });
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  mustSucceed(await plugin(world, "ADD", call(red, "web", ["10.1.0.77/24"])));
  const taken = mustFail(await plugin(world, "ADD", call(blue, "other", [])));
  expect(taken.msg).toBe("host port cannot be used: it belongs to pod default/web (network pods, eth0)");
  const address = mustFail(await plugin(world, "ADD", call(blue, "other", ["10.1.0.77/24"])));
  expect(address.details).toContain("Cause: pod default/web (network pods, eth0) has it");
  const again = mustFail(
    await plugin(world, "CHECK", { ...call(red, "web", []), more: { prevResult: PREV } }),
  );
  expect(again.details).toContain("Compared pod default/web (network pods, eth0)");
});

scene("of ten pods that ask for one port at once exactly one gets it", async (world) => {
  const { pods } = await stage(world);
  const all = await Promise.all(Array.from({ length: 10 }, (_, at) => world.pod(`pod${at}`)));
  const outcomes = await Promise.all(
    all.map((pod) => plugin(world, "ADD", { network: pods, pod, more: portConfig(WEB) })),
  );
  const refusals = outcomes.filter(({ status }) => status !== 0);
  expect(refusals.map((outcome) => mustFail(outcome).code)).toEqual(Array.from({ length: 9 }, () => 131));
});

scene(
  "a pod that died without DEL gives its port to the next one, and its late DEL takes nothing away",
  async (world) => {
    const { pods, others } = await stage(world);
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await addWithPorts(world, pods, red, both(WEB[0]!));
    const { containerId } = red;
    await dies(world, red);
    const address = addressOf(await addWithPorts(world, others, blue, both(WEB[0]!)));
    mustSucceed(await plugin(world, "DEL", { network: pods, containerId, netns: "" }));
    await using _tcp = await serve(blue, "tcp", address, 80);
    await using _udp = await serve(blue, "udp", address, 80);
    expect(await talk(world.host, "127.0.0.1", 8080)).toMatch(/^blue saw/);
    expect(await check(world, others, blue)).toBeUndefined();
  },
);

const LISTENERS = [
  { protocol: "tcp", address: "0.0.0.0", subnet: "10.1.0.0/24", shown: "0.0.0.0:8080" },
  { protocol: "udp", address: "0.0.0.0", subnet: "10.1.0.0/24", shown: "0.0.0.0:8080" },
  { protocol: "tcp", address: "::", subnet: "10.1.0.0/24", shown: "[::]:8080" },
  { protocol: "udp", address: "fd50::1", subnet: "fd01::/64", shown: "[fd50::1]:8080" },
] as const;

for (const { protocol, address, subnet, shown } of LISTENERS) {
  scene(
    `a port on which a process listens (${protocol} ${shown}) is refused, and allowListening takes it all the same`,
    async (world) => {
      await addNeighbour(world);
      const pods = portNetwork(world, "pods", { subnets: [subnet] });
      await warmUp(world, pods);
      await using _server = await serve(world.host, protocol, address, 8080);
      const red = await world.pod("red");
      const error = await refused(world, {
        network: pods,
        pod: red,
        more: portConfig([{ hostPort: 8080, containerPort: 80, protocol }]),
      });
      expect(error.code).toBe(131);
      expect(error.msg).toMatch(/^host port cannot be used: [\w-]+ \(pid \d+\) listens on /);
      expect(error.msg.endsWith(` listens on ${shown}`)).toBe(true);
      const other = protocol === "tcp" ? "udp" : "tcp";
      await add(
        world,
        pods,
        red,
        portArgs([
          { hostPort: 8080, containerPort: 80, protocol: other },
          { hostPort: 8079, containerPort: 80, protocol },
        ]),
      );
      await del(world, pods, red);
      await add(
        world,
        portNetwork(world, "pods", { subnets: [subnet], allowListening: true }),
        red,
        portArgs([{ hostPort: 8080, containerPort: 80, protocol }]),
      );
    },
  );
}

scene("a connection of the node that happens to come from that port is in nobody's way", async (world) => {
  const neighbour = await addNeighbour(world);
  const pods = portNetwork(world, "pods");
  await using _server = await serve(neighbour.place, "tcp", neighbour.v4, 9999);
  const client = world.host.start(["sh", "-c", `exec nc -n -p 40000 ${neighbour.v4} 9999`]);
  try {
    await client.says("neighbour saw");
    const red = await world.pod("red");
    const address = addressOf(await addWithPorts(world, pods, red, [{ hostPort: 40000, containerPort: 80 }]));
    await using _web = await serve(red, "tcp", address, 80);
    expect(await connect(neighbour.place, neighbour.host4, 40000)).toBe(`red saw ${neighbour.v4}`);
  } finally {
    await client.finish();
  }
});

scene("a listener on another address than the one asked for is in nobody's way", async (world) => {
  const neighbour = await addNeighbour(world);
  await using _server = await serve(world.host, "tcp", "127.0.0.1", 8080);
  const red = await world.pod("red");
  const address = addressOf(
    await addWithPorts(world, portNetwork(world, "pods"), red, [
      { hostPort: 8080, containerPort: 80, hostIP: neighbour.host4 },
    ]),
  );
  await using _web = await serve(red, "tcp", address, 80);
  expect(await connect(neighbour.place, neighbour.host4, 8080)).toBe(`red saw ${neighbour.v4}`);
  expect(await connect(world.host, "127.0.0.1", 8080)).toContain("saw 127.0.0.1");
});

async function stage(world: World) {
  const pods = portNetwork(world, "pods");
  const others = portNetwork(world, "others", { subnets: ["10.2.0.0/24"] });
  await warmUp(world, pods, others);
  await addWithPorts(world, pods, await world.pod("first"), [{ hostPort: 7, containerPort: 7 }]);
  return { pods, others };
}
