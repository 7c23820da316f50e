// The IPAM plugins of the reference give the addresses: static, and the Go host-local by its path.
import { expect } from "vitest";
import {
  add,
  addressesOf,
  addressOf,
  check,
  cnitool,
  del,
  mustFail,
  mustSucceed,
  plugin,
} from "../support/cni.ts";
import { addWithPorts, both, talk } from "../support/host-port.ts";
import { addPlugins, foreignNetwork } from "../support/ipam.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot, snapshotOfFiles } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { toolPath } from "../support/tool.ts";
import { pings, serve } from "../support/traffic.ts";

const STATIC = {
  type: "static",
  addresses: [{ address: "10.1.0.7/24", gateway: "10.1.0.254" }, { address: "fd01::7/64" }],
  routes: [{ dst: "192.168.50.0/24", gw: "10.1.0.254" }],
  dns: { nameservers: ["10.1.0.53"] },
};

scene("static: all five verbs, and nothing is left", async (world) => {
  addPlugins(world, "static");
  const neighbour = await addNeighbour(world);
  const pods = install(world, foreignNetwork("pods", STATIC));
  const steady = await warmUp(world, pods);
  const red = await world.pod("red");
  const result = await add(world, pods, red);
  expect(addressesOf(result)).toEqual(["10.1.0.7", "fd01::7"]);
  expect(result.ips?.map(({ gateway }) => gateway)).toEqual(["10.1.0.254", "fd01::1"]);
  expect(result.routes).toEqual([
    ...STATIC.routes,
    { dst: "0.0.0.0/0", gw: "10.1.0.254" },
    { dst: "::/0", gw: "fd01::1" },
  ]);
  expect(result.dns).toEqual(STATIC.dns);
  for (const address of ["10.1.0.254", "fd01::1", neighbour.v4, neighbour.v6])
    expect(await pings(red, address), address).toBe(true);
  expect(await check(world, pods, red)).toBeUndefined();
  mustSucceed(await cnitool(world, "status", "pods", red));
  await red.must("ip route delete 192.168.50.0/24");
  expect(await check(world, pods, red)).toContain("no route to 192.168.50.0/24");
  await del(world, pods, red);
  await add(world, pods, red);
  mustSucceed(await plugin(world, "GC", { network: pods }));
  await world.removePod(red);
  expect((await snapshot(world)).minus(steady).lines).toEqual([]);
});

scene(
  "static: a host port leads to the pod, from the node, from beyond it and from the pod itself, and goes with it",
  async (world) => {
    addPlugins(world, "static");
    const neighbour = await addNeighbour(world);
    const pods = install(world, foreignNetwork("pods", STATIC, { capabilities: { portMappings: true } }));
    const red = await world.pod("red");
    const ports = both({ hostPort: 8080, containerPort: 80 });
    // What a first one leaves on purpose is there before: bridge, tables, forwarding.
    await addWithPorts(world, pods, red, ports);
    await del(world, pods, red);
    const steady = await snapshot(world);
    await addWithPorts(world, pods, red, ports);
    for (const [address, host] of [
      ["10.1.0.7", neighbour.host4],
      ["fd01::7", neighbour.host6],
    ] as const) {
      await using _tcp = await serve(red, "tcp", address, 80);
      await using _udp = await serve(red, "udp", address, 80);
      for (const from of [world.host, neighbour.place, red])
        expect(await talk(from, host, 8080), `${from.name} to ${host}`).toContain("red");
    }
    expect(await check(world, pods, red)).toBeUndefined();
    await del(world, pods, red);
    expect((await snapshot(world)).minus(steady).lines).toEqual([]);
  },
);

scene(
  "two pods with one address on one network: the second is refused by the name of the first, which stays masqueraded, and nothing is left",
  async (world) => {
    addPlugins(world, "static");
    const neighbour = await addNeighbour(world);
    const pods = install(world, foreignNetwork("pods", STATIC));
    const steady = await warmUp(world, pods);
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await add(world, pods, red);
    const before = await snapshot(world);
    const refusal = mustFail(await plugin(world, "ADD", { network: pods, pod: blue }));
    expect(refusal).toMatchObject({
      code: 130,
      msg: expect.stringMatching(/10\.1\.0\.7.* is used twice/) as string,
      details: expect.stringContaining(`container ${red.containerId} (network pods, eth0)`) as string,
    });
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
    mustSucceed(await plugin(world, "DEL", { network: pods, pod: blue }));
    for (const address of [neighbour.v4, neighbour.v6]) expect(await pings(red, address), address).toBe(true);
    expect(await check(world, pods, red)).toBeUndefined();
    await del(world, pods, red);
    // What a pod that died left gives way.
    await add(world, pods, red);
    await red.must("ip link delete eth0");
    await add(world, pods, blue);
    for (const address of [neighbour.v4, neighbour.v6])
      expect(await pings(blue, address), address).toBe(true);
    for (const pod of [red, blue]) await del(world, pods, pod);
    await world.removePod(red);
    await world.removePod(blue);
    expect((await snapshot(world)).minus(steady).lines).toEqual([]);
  },
);

scene("an address that a runtime asks for reaches the IPAM plugin", async (world) => {
  addPlugins(world, "static");
  const pods = install(world, foreignNetwork("pods", { type: "static" }));
  const red = await world.pod("red");
  const env = { CNI_ARGS: "IgnoreUnknown=1;IP=10.1.0.9/24;GATEWAY=10.1.0.1" };
  expect(addressesOf(await add(world, pods, red, env))).toEqual(["10.1.0.9"]);
});

scene(
  "without a gateway in config or result there is none: neither on the bridge nor as a route",
  async (world) => {
    addPlugins(world, "static");
    const pods = install(
      world,
      foreignNetwork(
        "pods",
        { type: "static", addresses: [{ address: "10.1.0.7/24" }] },
        { isDefaultGateway: false, isGateway: false, ipMasq: false },
      ),
    );
    const red = await world.pod("red");
    const result = await add(world, pods, red);
    expect(result.ips).toEqual([{ address: "10.1.0.7/24", interface: 2 }]);
    expect(result.routes).toBeUndefined();
    expect(await world.host.must("ip -4 address show dev pods0")).toBe("");
    expect(await check(world, pods, red)).toBeUndefined();
  },
);

scene("the dns of the configuration beats that of the IPAM plugin", async (world) => {
  addPlugins(world, "static");
  const pods = install(world, foreignNetwork("pods", STATIC, { dns: { domain: "example.org" } }));
  expect((await add(world, pods, await world.pod("red"))).dns).toEqual({ domain: "example.org" });
});

scene(
  "the Go host-local by its path shares files with the built-in one: no address twice, and each releases its own",
  async (world) => {
    const range = { ranges: [[{ subnet: "10.1.0.0/24" }]] };
    const ours = network("pods", { isDefaultGateway: true, ipam: { type: "host-local", ...range } });
    const foreign = foreignNetwork("pods", { type: toolPath("host-local"), ...range });
    const names = ["red", "blue", "green", "grey"];
    const pods = await Promise.all(names.map((name) => world.pod(name)));
    const addresses: string[] = [];
    for (const [index, pod] of pods.entries())
      addresses.push(addressOf(await add(world, install(world, index % 2 === 0 ? ours : foreign), pod)));
    expect(addresses).toEqual(["10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5"]);
    for (const [index, pod] of pods.entries()) {
      const conflist = install(world, index % 2 === 0 ? ours : foreign);
      expect(await check(world, conflist, pod)).toBeUndefined();
    }
    for (const [index, pod] of pods.entries())
      await del(world, install(world, index % 2 === 0 ? ours : foreign), pod);
    const { files } = await snapshotOfFiles(world);
    expect(files.below("/var/lib/cni/networks/pods").names).toEqual(["last_reserved_ip.0", "lock"]);
  },
);

scene("the Go host-local refuses in its own words, and nothing is left", async (world) => {
  const pods = install(
    world,
    foreignNetwork("pods", {
      type: toolPath("host-local"),
      ranges: [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.5" }]],
    }),
  );
  await warmUp(world, pods);
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await add(world, pods, red);
  const before = await snapshot(world);
  const { status, stderr } = await cnitool(world, "add", "pods", blue);
  expect(status).toBe(1);
  expect(stderr).toContain("no IP addresses available in range set: 10.1.0.5-10.1.0.5");
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
});
