// What is not about the link, on pods without a bridge (attach: ptp): limits, settings, source routing,
// requests, IPAM of others, the variants of masquerading, chains.
import { expect } from "vitest";
import { bucketOf, ifbsOf, wireRate } from "../support/bandwidth.ts";
import {
  add,
  addDirectly,
  addressesOf,
  type CniResult,
  check,
  del,
  mustFail,
  mustSucceed,
  type PluginCall,
  plugin,
} from "../support/cni.ts";
import { addPlugins } from "../support/ipam.ts";
import { hostLinkOf, linkOf } from "../support/link.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, type NetworkWishes } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { toolPath } from "../support/tool.ts";
import { connect, pings, serve } from "../support/traffic.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const RATE = 20_000_000;
const LEAST = RATE * 0.85;
const isRight = (rate: number) => rate > LEAST && rate < RATE * 1.15;
const DUAL = ["10.1.0.0/24", "fd01::/64"];

/** A pod that is attached, with the call that did it; CHECK agrees. */
async function attached(
  world: World,
  wishes: NetworkWishes,
  more: Partial<PluginCall> = {},
): Promise<{ red: Pod; result: CniResult; call: PluginCall }> {
  const red = await world.pod("red");
  const call = { network: install(world, ptpNetwork("pods", wishes)), pod: red, ...more };
  const result = await addDirectly(world, call);
  mustSucceed(await plugin(world, "CHECK", { ...call, more: { ...call.more, prevResult: result } }));
  return { red, result, call };
}

/** DEL leaves no trace of the attachment. */
async function leavesNothing(world: World, call: PluginCall): Promise<void> {
  mustSucceed(await plugin(world, "DEL", call));
  expect((await snapshot(world)).attachments.lines).toEqual([]);
}

scene(
  "traffic keeps to its rate in both directions, v4 and v6, and a flush of the limits is mended by restore",
  async (world) => {
    const { red, result, call } = await attached(world, {
      subnets: DUAL,
      ingressRate: RATE,
      egressRate: RATE,
    });
    for (const [at, address] of addressesOf(result).entries()) {
      const gateway = result.ips![at]!.gateway!;
      expect(await wireRate(world.host, red, address, 7001, LEAST), address).toSatisfy(isRight);
      expect(await wireRate(red, world.host, gateway, 7002, LEAST), gateway).toSatisfy(isRight);
    }
    const host = await hostLinkOf(world, red);
    expect(result.interfaces!.map(({ name }) => name)).toEqual([host, "eth0", ...(await ifbsOf(world.host))]);
    await world.host.must(`tc qdisc del dev ${host} root`);
    mustSucceed(await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`));
    expect(await bucketOf(world.host, host)).toMatchObject({ rate: RATE });
    await leavesNothing(world, call);
  },
  120_000,
);

scene("sysctls, all-multicast, queue length and a MAC by tuning's keys are set in the pod", async (world) => {
  const { red, call } = await attached(world, {
    sysctl: { "net.core.somaxconn": 511, "net.ipv4.conf.IFNAME.arp_filter": "1" },
    mac: "02:00:00:00:00:07",
    allmulti: true,
    txQLen: 77,
    mtu: 1400,
  });
  expect(await red.must("cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/conf/eth0/arp_filter")).toBe(
    "511\n1\n",
  );
  expect(await linkOf(red, "eth0")).toMatchObject({
    address: "02:00:00:00:00:07",
    txqlen: 77,
    mtu: 1400,
    flags: expect.arrayContaining(["ALLMULTI"]) as string[],
  });
  expect((await linkOf(world.host, await hostLinkOf(world, red))).mtu).toBe(1400);
  expect(await pings(red, "10.1.0.1")).toBe(true);
  await leavesNothing(world, call);
});

scene("without mtu pods get the MTU of the node's way out", async (world) => {
  await addNeighbour(world);
  await world.host.must("ip link set uplink mtu 1380");
  await world.host.must("ip route add default via 192.168.50.2");
  const { red } = await attached(world, {});
  expect((await linkOf(red, "eth0")).mtu).toBe(1380);
});

scene(
  "packets from either of two attachments leave by it, and calls from far away to either are answered",
  async (world) => {
    const far = ["192.0.2.1", "2001:db8::1"];
    await world.host.must("ip link set lo up");
    for (const address of far)
      await world.host.must(`ip address add ${address} dev lo${address.includes(":") ? " nodad" : ""}`);
    await world.host.must("sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1");
    const red = await world.pod("red");
    const first = await addDirectly(world, { network: ptpNetwork("first", { subnets: DUAL }), pod: red });
    const call = {
      network: ptpNetwork("second", { subnets: ["10.2.0.0/24", "fd02::/64"], sourceBasedRouting: true }),
      pod: red,
      interfaceName: "net1",
    };
    const second = await addDirectly(world, call);
    mustSucceed(await plugin(world, "CHECK", { ...call, more: { prevResult: second } }));
    for (const [at, there] of far.entries())
      for (const own of [addressesOf(first)[at]!, addressesOf(second)[at]!]) {
        expect((await red.exec(`ping -n -c 1 -W 1 -I ${own} ${there}`)).status, `${own} to ${there}`).toBe(0);
        expect(
          (await world.host.exec(`ping -n -c 1 -W 1 -I ${there} ${own}`)).status,
          `${there} to ${own}`,
        ).toBe(0);
      }
    mustSucceed(await plugin(world, "DEL", call));
    expect(await red.must("ip rule")).not.toContain("10.2.0.2");
  },
);

scene("a pod gets the MAC and the addresses that it asks for", async (world) => {
  const { red, result, call } = await attached(
    world,
    { subnets: DUAL },
    { more: { runtimeConfig: { mac: "02:00:00:00:00:09", ips: ["10.1.0.77", "fd01::77"] } } },
  );
  expect(addressesOf(result)).toEqual(["10.1.0.77", "fd01::77"]);
  expect((await linkOf(red, "eth0")).address).toBe("02:00:00:00:00:09");
  for (const address of addressesOf(result)) expect(await pings(world.host, address)).toBe(true);
  await leavesNothing(world, call);
});

for (const [name, addresses, gateways] of [
  ["with a gateway", [{ address: "10.1.0.7/24", gateway: "10.1.0.254" }], ["10.1.0.254"]],
  ["without a gateway", [{ address: "10.1.0.7/24" }, { address: "fd01::7/64" }], ["10.1.0.1", "fd01::1"]],
  [
    "of whole addresses",
    [
      { address: "10.1.0.7/32", gateway: "169.254.1.1" },
      { address: "fd01::7/128", gateway: "fe80::1" },
    ],
    ["169.254.1.1", "fe80::1%eth0"],
  ],
] as const)
  scene(`static ${name}: the pod reaches its gateway and is reached`, async (world) => {
    addPlugins(world, "static");
    const routes = [{ dst: "0.0.0.0/0" }, ...(addresses.length > 1 ? [{ dst: "::/0" }] : [])];
    const { red, result, call } = await attached(world, { ipam: { type: "static", addresses, routes } });
    for (const gateway of gateways) expect(await pings(red, gateway), gateway).toBe(true);
    for (const address of addressesOf(result)) expect(await pings(world.host, address), address).toBe(true);
    await leavesNothing(world, call);
  });

scene("two pods with whole addresses and one gateway reach each other", async (world) => {
  addPlugins(world, "static");
  const networkOf = (address: string) =>
    ptpNetwork("pods", {
      ipam: {
        type: "static",
        addresses: [{ address: `${address}/32`, gateway: "169.254.1.1" }],
        routes: [{ dst: "0.0.0.0/0" }],
      },
    });
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await addDirectly(world, { network: networkOf("10.1.0.7"), pod: red });
  await addDirectly(world, { network: networkOf("10.1.0.8"), pod: blue });
  expect(await pings(red, "10.1.0.8")).toBe(true);
  expect(await pings(blue, "10.1.0.7")).toBe(true);
});

scene("a whole address without a gateway is refused with a gateway that suits", async (world) => {
  addPlugins(world, "static");
  const red = await world.pod("red");
  const pods = ptpNetwork("pods", { ipam: { type: "static", addresses: [{ address: "10.1.0.7/32" }] } });
  expect(mustFail(await plugin(world, "ADD", { network: pods, pod: red }))).toMatchObject({
    msg: expect.stringContaining("10.1.0.7/32 has no gateway") as string,
    details: expect.stringContaining("169.254.1.1") as string,
  });
  expect((await snapshot(world)).attachments.lines).toEqual([]);
});

scene("the Go host-local by its path gives an address and gets it back", async (world) => {
  const { red, call } = await attached(world, {
    ipam: { type: toolPath("host-local"), ranges: [[{ subnet: "10.1.0.0/24" }]] },
  });
  expect(await pings(red, "10.1.0.1")).toBe(true);
  await leavesNothing(world, call);
});

scene("dhcp is refused, since no server is on the pair", async (world) => {
  const red = await world.pod("red");
  const pods = ptpNetwork("pods", { ipam: { type: "dhcp" } });
  expect(mustFail(await plugin(world, "ADD", { network: pods, pod: red })).msg).toContain("no DHCP server");
});

scene(
  "masquerading by iptables: the neighbour sees the node, CHECK misses a flushed rule, the last pod's DEL ends it",
  async (world) => {
    const neighbour = await addNeighbour(world);
    const pods = install(world, ptpNetwork("pods", { subnets: DUAL, ipMasqBackend: "iptables" }));
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await add(world, pods, red);
    await add(world, pods, blue);
    for (const [theirs, ours] of [
      [neighbour.v4, neighbour.host4],
      [neighbour.v6, neighbour.host6],
    ] as const) {
      await using _server = await serve(neighbour.place, "tcp", theirs, 8080);
      for (const pod of [red, blue]) expect(await connect(pod, theirs, 8080)).toBe(`neighbour saw ${ours}`);
    }
    await world.host.must("nft flush ruleset");
    expect(await check(world, pods, red)).toMatch(/iptables|masquerad/);
    mustSucceed(await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`));
    expect(await check(world, pods, red)).toBeUndefined();
    await del(world, pods, red);
    await using _server = await serve(neighbour.place, "tcp", neighbour.v4, 8080);
    expect(await connect(blue, neighbour.v4, 8080)).toBe(`neighbour saw ${neighbour.host4}`);
    await del(world, pods, blue);
    expect(await world.host.must("nft list ruleset")).not.toMatch(/10\.1\.0|fd01/);
  },
  60_000,
);

scene("dns of the configuration is in the result", async (world) => {
  const dns = { nameservers: ["10.1.0.53"], domain: "pods.example", search: ["a.example"], options: ["x"] };
  expect((await attached(world, { dns })).result.dns).toEqual(dns);
});

scene("behind another plugin its part of the result comes last, and CHECK and DEL work", async (world) => {
  const before = {
    cniVersion: "1.1.0",
    interfaces: [{ name: "tap0", mac: "02:00:00:00:00:01", sandbox: "/run/netns/red" }],
    ips: [{ address: "192.168.7.2/24", interface: 0 }],
    routes: [{ dst: "192.168.8.0/24" }],
  };
  const red = await world.pod("red");
  await red.must("ip link add tap0 address 02:00:00:00:00:01 type veth peer name tap1");
  const call = { network: ptpNetwork("pods"), pod: red };
  const result = await addDirectly(world, { ...call, more: { prevResult: before } });
  expect(result.interfaces?.map(({ name }) => name)).toEqual(["tap0", await hostLinkOf(world, red), "eth0"]);
  expect(result.ips).toEqual([before.ips[0], { address: "10.1.0.2/24", gateway: "10.1.0.1", interface: 2 }]);
  mustSucceed(await plugin(world, "CHECK", { ...call, more: { prevResult: result } }));
  await leavesNothing(world, { ...call, more: { prevResult: result } });
  expect((await red.exec("ip link show tap0")).status).toBe(0);
});

scene("STATUS says that a network is ready, and that its pool is empty", async (world) => {
  const range = { subnet: "10.1.0.0/24", rangeStart: "10.1.0.2", rangeEnd: "10.1.0.2" };
  const ipam = { type: "host-local", ranges: [[range]], statusWhenFull: true };
  const pods = install(world, ptpNetwork("pods", { ipam }));
  mustSucceed(await plugin(world, "STATUS", { network: pods }));
  await add(world, pods, await world.pod("red"));
  expect(mustFail(await plugin(world, "STATUS", { network: pods })).code).toBe(50);
});
