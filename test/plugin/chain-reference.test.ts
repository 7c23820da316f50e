// In one list with the plugins of the reference: behind us they find what they need, before us they keep what
// they had.
import { expect } from "vitest";
import { add, addressesOf, check, cnitool, del, mustSucceed } from "../support/cni.ts";
import { addPlugins } from "../support/ipam.ts";
import { hostLinkOf } from "../support/link.ts";
import { addNeighbour, wireOf } from "../support/neighbour.ts";
import { install, type NetworkWishes, network, type PluginConfig } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { connect, pings, serve } from "../support/traffic.ts";
import type { World } from "../support/world.ts";

const MAC = "02:00:00:00:00:77";
const BEHIND: PluginConfig[] = [
  { type: "portmap", capabilities: { portMappings: true } },
  {
    type: "tuning",
    mac: MAC,
    mtu: 1300,
    sysctl: { "net.core.somaxconn": "500", "net.ipv4.conf.IFNAME.arp_ignore": "1" },
  },
  { type: "firewall", ingressPolicy: "same-bridge" },
  { type: "bandwidth", capabilities: { bandwidth: true } },
];
const CAPABILITIES = {
  CAP_ARGS: JSON.stringify({
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
    bandwidth: {
      ingressRate: 8_000_000,
      ingressBurst: 800_000,
      egressRate: 16_000_000,
      egressBurst: 800_000,
    },
  }),
};

const KINDS = [
  ["0.4.0", "10.1.0.0/24"],
  ["1.0.0", "fd01::/64"],
  ["1.1.0", "10.1.0.0/24", "fd01::/64"],
] as const;

for (const [cniVersion, ...subnets] of KINDS) {
  scene(
    `portmap, tuning, firewall and bandwidth work behind us, by their own CHECK too (${cniVersion}, ${subnets.join(" and ")})`,
    async (world) => {
      const { pods, baseline } = await chain(world, [], BEHIND, { cniVersion, subnets: [...subnets] });
      const neighbour = await addNeighbour(world);
      const red = await world.pod("red");
      const result = await add(world, pods, red, CAPABILITIES);
      expect(result.interfaces?.map(({ name }) => name.slice(0, 3))).toEqual(["pod", "vet", "eth", "bwp"]);
      expect(result.interfaces?.[2]).toMatchObject({ name: "eth0", mac: MAC, sandbox: red.namespace });
      for (const address of addressesOf(result)) {
        const { theirs, ours } = wireOf(neighbour, address);
        await using _server = await serve(red, "tcp", address, 80);
        expect(await connect(neighbour.place, ours, 8080)).toBe(`red saw ${theirs}`);
        // The way out is open by the rules of firewall alone.
        await world.host.must(`${address.includes(":") ? "ip6tables" : "iptables"} -P FORWARD DROP`);
        expect(await pings(red, theirs)).toBe(true);
      }
      expect(await red.must("cat /proc/sys/net/core/somaxconn")).toBe("500\n");
      expect(await world.host.must(`tc qdisc show dev ${await hostLinkOf(world, red)}`)).toContain(
        "rate 8Mbit",
      );
      expect(await world.host.must(`tc qdisc show dev ${result.interfaces?.[3]?.name}`)).toContain(
        "rate 16Mbit",
      );

      mustSucceed(await cnitool(world, "check", "pods", red, CAPABILITIES));
      await del(world, pods, red, CAPABILITIES);
      await world.removePod(red);
      await world.host.must("ip link delete uplink");
      await world.removePod(neighbour.place);
      expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
    },
  );
}

scene("before us: what loopback found stays in the result, and each CHECK finds its own", async (world) => {
  const { pods, baseline } = await chain(world, [{ type: "loopback" }], BEHIND.slice(0, 1));
  const red = await world.pod("red");
  const result = await add(world, pods, red, CAPABILITIES);
  expect(result.interfaces?.map(({ name }) => name).toSpliced(2, 1, "veth")).toEqual([
    "lo",
    "pods0",
    "veth",
    "eth0",
  ]);
  expect(result.ips).toEqual([
    { address: "127.0.0.1/8", interface: 0 },
    { address: "::1/128", interface: 0 },
    { address: "10.1.0.3/24", gateway: "10.1.0.1", interface: 3 },
  ]);
  await using _server = await serve(red, "tcp", "10.1.0.3", 80);
  expect(await connect(world.host, "10.1.0.1", 8080)).toMatch(/^red saw /);
  mustSucceed(await cnitool(world, "check", "pods", red, CAPABILITIES));
  await red.must("ip link set lo down");
  expect(await check(world, pods, red)).toMatch(/lo/);
  await red.must("ip link set lo up");
  await red.must("ip address delete 10.1.0.3/24 dev eth0");
  expect(await check(world, pods, red)).toContain("has no address 10.1.0.3/24");
  await del(world, pods, red, CAPABILITIES);
  await world.removePod(red);
  expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
});

/** A list with these plugins around ours on a host that has had a pod of it. */
async function chain(
  world: World,
  before: PluginConfig[],
  behind: PluginConfig[],
  wishes: NetworkWishes = {},
) {
  addPlugins(world, ...[...before, ...behind].map(({ type }) => type));
  const pods = network("pods", wishes);
  const plugins = [...before, ...pods.plugins, ...behind] as typeof pods.plugins;
  install(world, { ...pods, plugins });
  const pod = await world.pod("warm");
  await add(world, pods, pod, CAPABILITIES);
  await del(world, pods, pod, CAPABILITIES);
  await world.removePod(pod);
  return { pods, baseline: await snapshot(world) };
}
