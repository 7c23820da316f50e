// What the keys about addresses do: gateways, routes, dns.
import { expect } from "vitest";
import { add, addDirectly, addressOf, check, mustSucceed, plugin } from "../support/cni.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { type Ipam, install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";

scene(
  "isGateway off: the bridge gets no address, forwarding stays as it was, pods still reach each other",
  async (world) => {
    const pods = install(
      world,
      network("pods", {
        isGateway: false,
        ipMasq: false,
        ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] },
      }),
    );
    const red = await world.pod("red");
    const blue = await world.pod("blue");
    await add(world, pods, red);
    const address = addressOf(await add(world, pods, blue));
    const { addresses, sysctls } = await snapshot(world);
    expect(addresses.on("pods0").lines).toEqual([]);
    expect(sysctls.named("net/ipv4/ip_forward").lines).toEqual(["sysctl net/ipv4/ip_forward=0"]);
    expect(await pings(red, address)).toBe(true);
  },
);

scene(
  "isDefaultGateway: a default route by the bridge without one in ipam.routes, and only one with it",
  async (world) => {
    const without: Ipam = { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] };
    const both: [string, Ipam][] = [
      ["red", without],
      ["blue", { ...without, routes: [{ dst: "0.0.0.0/0" }] }],
    ];
    for (const [name, ipam] of both) {
      const pod = await world.pod(name);
      const result = await add(
        world,
        install(world, network("pods", { isGateway: false, isDefaultGateway: true, ipam })),
        pod,
      );
      expect(result.routes).toEqual([{ dst: "0.0.0.0/0", gw: "10.1.0.1" }]);
      expect(await pod.must("ip route show default")).toBe("default via 10.1.0.1 dev eth0 \n");
    }
  },
);

scene("forceAddress: a bridge with another address takes the gateway's", async (world) => {
  const red = await world.pod("red");
  await world.host.must("ip link add pods0 type bridge");
  await world.host.must("ip address add 10.9.0.1/24 dev pods0");
  await add(world, install(world, network("pods", { forceAddress: true })), red);
  expect((await snapshot(world)).addresses.on("pods0").lines).toEqual(["address pods0 10.1.0.1/24"]);
  expect(await pings(red, "10.1.0.1")).toBe(true);
});

scene(
  "routes: gateway, metric, MTU, advertised segment size, table and scope reach the pod's kernel",
  async (world) => {
    const red = await world.pod("red");
    const pods = network("pods");
    pods.plugins[0].ipam!.routes = [
      { dst: "10.60.0.0/16", gw: "10.1.0.9" },
      { dst: "10.61.0.0/16", mtu: 1300, advmss: 1200, priority: 77 } as never,
      { dst: "10.62.0.0/16", table: 100 } as never,
      { dst: "10.63.0.0/16", scope: 253 } as never,
    ];
    install(world, pods);
    await add(world, pods, red);
    const routes = await red.must("ip route show table all");
    expect(routes).toContain("10.60.0.0/16 via 10.1.0.9 dev eth0");
    expect(routes).toMatch(/10\.61\.0\.0\/16 via 10\.1\.0\.1 dev eth0 .*metric 77 mtu 1300 advmss 1200/);
    expect(routes).toMatch(/10\.62\.0\.0\/16 via 10\.1\.0\.1 dev eth0 table 100/);
    expect(routes).toMatch(/10\.63\.0\.0\/16 dev eth0 (proto \S+ )?scope link/);
    expect(await check(world, pods, red)).toBeUndefined();
  },
);

scene(
  "a pod on two networks may have a default route by each, in both families, and CHECK finds them",
  async (world) => {
    const red = await world.pod("red");
    const networks = [
      ["one", "10.1.0.0/24", "fd01::/64"],
      ["two", "10.2.0.0/24", "fd02::/64"],
    ].map(([name = "", ...subnets]) => network(name, { subnets }));
    for (const [at, each] of networks.entries()) {
      const call = { network: each, pod: red, interfaceName: `net${at}` };
      const prevResult = await addDirectly(world, call);
      mustSucceed(await plugin(world, "CHECK", { ...call, more: { prevResult } }));
    }
    expect((await red.must("ip route show default")).trim().split("\n")).toHaveLength(2);
    expect((await red.must("ip -6 route show default")).match(/via fd0[12]::1/g)).toHaveLength(2);
  },
);

scene("dns and resolvConf: the network's own dns wins over the file", async (world) => {
  world.write(
    "/run/world/resolv.conf",
    "nameserver 192.0.2.1\nsearch a.example b.example\noptions ndots:5\n",
  );
  const pods = network("pods");
  pods.plugins[0].ipam!["resolvConf"] = "/run/world/resolv.conf";
  const fromFile = await addDirectly(world, { network: pods, pod: await world.pod("red") });
  expect(fromFile.dns).toEqual({
    nameservers: ["192.0.2.1"],
    search: ["a.example", "b.example"],
    options: ["ndots:5"],
  });
  pods.plugins[0]["dns"] = { nameservers: ["192.0.2.2"] };
  const fromConfig = await addDirectly(world, { network: pods, pod: await world.pod("blue") });
  expect(fromConfig.dns).toEqual({ nameservers: ["192.0.2.2"] });
});

scene(
  "IPv6 forwarding does not cost the host its default route: a link with an advertised route goes on listening to routers",
  async (world) => {
    const { v6 } = await addNeighbour(world);
    await world.host.must("ip link add other type veth peer name another");
    await world.host.must("sysctl -q -w net.ipv6.conf.uplink.accept_ra=1 net.ipv6.conf.other.accept_ra=1");
    await world.host.must(`ip -6 route add default via ${v6} dev uplink proto ra`);
    const red = await world.pod("red");
    await add(world, install(world, network("pods", { subnets: ["fd01::/64"] })), red);
    expect(await world.host.must("sysctl -n net.ipv6.conf.uplink.accept_ra")).toBe("2\n");
    // Where no router was heard so far, an advertisement may come from a pod: that link stays as it is.
    expect(await world.host.must("sysctl -n net.ipv6.conf.other.accept_ra")).toBe("1\n");
  },
);
