// Listeners of the node that are in nobody's way: a stub resolver on a loopback address, and the sockets that
// podman's monitor holds for the container. podman is played as seen with podman 4.3.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { add, addDirectly, addressOf, type CniResult, mustSucceed, plugin } from "../support/cni.ts";
import { both, portConfig, portNetwork, talk } from "../support/host-port.ts";
import { dies } from "../support/link.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, type Network } from "../support/network.ts";
import { refused } from "../support/refusal.ts";
import { scene } from "../support/scene.ts";
import { warmUp } from "../support/steady.ts";
import { REPOSITORY } from "../support/tool.ts";
import { connect, SERVER, serve } from "../support/traffic.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

const DNS = both({ hostPort: 53, containerPort: 53 });
const CONTAINER = "6537f52c0d4bd0a1e8c2f9b7a6d5c4b3a29180706f5e4d3c2b1a09f8e7d6c5b4";

scene(
  "a name server with host port 53 starts beside the stub resolver, and either is reached",
  async (world) => {
    const neighbour = await addNeighbour(world);
    const pods = portNetwork(world, "pods", { subnets: ["10.1.0.0/24", "fd01::/64"] });
    await using _tcp = await serve(world.host, "tcp", "127.0.0.53", 53);
    await using _udp = await serve(world.host, "udp", "127.0.0.53", 53);
    await using _six = await serve(world.host, "tcp", "::1", 53);
    expect(await talk(world.host, "127.0.0.53", 53)).toMatch(/^the-host saw/);
    const red = await world.pod("red");
    const call = { network: pods, pod: red, more: portConfig(DNS) };
    const prevResult = await addDirectly(world, call);
    const isWhole = async () => {
      expect(await talk(world.host, "127.0.0.53", 53)).toContain("the-host saw");
      expect(await connect(world.host, "::1", 53)).toContain("the-host saw");
      for (const address of [neighbour.host4, neighbour.host6])
        expect(await talk(neighbour.place, address, 53)).toMatch(/^red saw/);
      expect(await talk(world.host, "127.0.0.1", 53)).toMatch(/^red saw/);
      mustSucceed(await plugin(world, "CHECK", { ...call, more: { ...call.more, prevResult } }));
    };
    await using _red = await serve(red, "tcp", addressOf(prevResult), 53);
    await using _red_udp = await serve(red, "udp", addressOf(prevResult), 53);
    await using _red6 = await serve(red, "tcp", addressOf(prevResult, 1), 53);
    await using _red6_udp = await serve(red, "udp", addressOf(prevResult, 1), 53);
    await isWhole();
    await world.host.must("nft flush ruleset");
    await world.host.must(`${PLUGIN_FOLDER}/pontoon restore`);
    await isWhole();
    mustSucceed(await plugin(world, "DEL", call));
    expect(await world.host.must("nft list table inet pontoon-ports")).not.toContain("comment");
  },
);

scene(
  "a port that the stub resolver's address itself is asked for is refused with the process",
  async (world) => {
    const pods = portNetwork(world, "pods");
    await using _stub = await serve(world.host, "tcp", "127.0.0.53", 53);
    await warmUp(world, pods);
    const error = await refused(world, {
      network: pods,
      pod: await world.pod("red"),
      more: portConfig([{ hostPort: 53, containerPort: 53, hostIP: "127.0.0.53" }]),
    });
    expect(error.msg).toMatch(/^host port cannot be used: [\w-]+ \(pid \d+\) listens on 127\.0\.0\.53:53$/);
  },
);

scene(
  "another pod takes the port when the name server died without DEL and its resolver is gone",
  async (world) => {
    const pods = portNetwork(world, "pods");
    const red = await world.pod("red");
    {
      await using _stub = await serve(world.host, "tcp", "127.0.0.1", 53);
      await add(world, pods, red, { CAP_ARGS: JSON.stringify({ portMappings: DNS }) });
    }
    await dies(world, red);
    const blue = await world.pod("blue");
    const wish = { hostPort: 53, containerPort: 53, hostIP: "127.0.0.1" };
    const result = await addDirectly(world, { network: pods, pod: blue, more: portConfig([wish]) });
    await using _web = await serve(blue, "tcp", addressOf(result), 53);
    expect(await connect(world.host, "127.0.0.1", 53)).toMatch(/^blue saw/);
  },
);

scene(
  "podman network reload: address, MAC and port come back although the monitor holds the port",
  async (world) => {
    const neighbour = await addNeighbour(world);
    const pods = install(world, asPodman(readyList("10-pontoon.conflist")));
    const red = await world.pod("red");
    await using _conmon = await monitor(world, 8200);
    const args = { ips: ["10.222.5.5/16"], mac: "02:00:00:00:00:77" };
    const ports = [{ hostPort: 8200, containerPort: 80, protocol: "tcp" }];
    const call = {
      network: pods,
      pod: red,
      containerId: CONTAINER,
      more: { runtimeConfig: passed(pods, { ...args, portMappings: ports }) },
    };
    for (const turn of ["run", "reload", "reload again"]) {
      const result = await addDirectly(world, call);
      expect(addressOf(result), turn).toBe("10.222.5.5");
      expect(macOf(result), turn).toBe("02:00:00:00:00:77");
      await using _web = await serve(red, "tcp", "10.222.5.5", 80);
      expect(await connect(neighbour.place, neighbour.host4, 8200), turn).toMatch(/^red saw/);
      expect(await connect(world.host, "127.0.0.1", 8200), turn).toMatch(/^red saw/);
      mustSucceed(await plugin(world, "DEL", call));
    }
    const other = { ...call, containerId: `${CONTAINER.slice(1)}0` };
    const error = await refused(world, other);
    expect(error.msg).toMatch(/listens on 0\.0\.0\.0:8200$/);
  },
);

/** A list of cni-conf. */
function readyList(file: string): Network {
  return JSON.parse(readFileSync(join(REPOSITORY, "cni-conf", file), "utf8")) as Network;
}

/** The list as podman passes it to libcni when an address is asked for. */
function asPodman(list: Network): Network {
  const [first, ...others] = list.plugins as (Network["plugins"][number] & { capabilities?: object })[];
  const asked = Object.hasOwn(first?.capabilities ?? {}, "ips")
    ? first
    : { ...first, capabilities: { ips: true } };
  return { ...list, plugins: [asked as Network["plugins"][number], ...others] };
}

/** What libcni hands over of these: those whose capability the entry declares. */
function passed(list: Network, args: Record<string, unknown>): Record<string, unknown> {
  const { capabilities = {} } = list.plugins[0] as { capabilities?: Record<string, boolean> };
  return Object.fromEntries(Object.entries(args).filter(([name]) => capabilities[name] === true));
}

function macOf({ interfaces }: CniResult): string | undefined {
  return interfaces?.find(({ sandbox }) => sandbox !== undefined && sandbox !== "")?.mac;
}

/** A process that listens on a port and has the words of podman's monitor on its command line. */
async function monitor(world: World, port: number): Promise<AsyncDisposable> {
  const words = ["--api-version", "1", "-c", CONTAINER, "-u", CONTAINER];
  const server = world.host.start([
    process.execPath,
    SERVER,
    "tcp",
    "0.0.0.0",
    String(port),
    "conmon",
    ...words,
  ]);
  await server.says("listening");
  return server;
}
