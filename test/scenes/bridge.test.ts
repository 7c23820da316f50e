// Namespaces on a bridge, as tutorials wire them by hand with `ip`: here cnitool and Pontoon do it.
import { expect } from "vitest";
import { add, addressOf, del } from "../support/cni.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { connect, isSilent, pings, serve } from "../support/traffic.ts";

scene("two containers on a bridge, each with routes of its own", async (world) => {
  const lab = install(world, network("lab", { bridge: "br0", ipMasq: false }));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  const redAddress = addressOf(await add(world, lab, red));
  const blueAddress = addressOf(await add(world, lab, blue));
  expect([redAddress, blueAddress]).toEqual(["10.1.0.2", "10.1.0.3"]);
  expect(await pings(red, blueAddress)).toBe(true);
  expect(await pings(blue, redAddress)).toBe(true);

  const routesOf = async (place: typeof red): Promise<string[]> =>
    (await place.must("ip -4 route")).trimEnd().split("\n");
  const theirs = (address: string): string[] => [
    "default via 10.1.0.1 dev eth0",
    `10.1.0.0/24 dev eth0 proto kernel scope link src ${address}`,
  ];
  expect((await routesOf(red)).map((line) => line.trim())).toEqual(theirs(redAddress));
  expect((await routesOf(blue)).map((line) => line.trim())).toEqual(theirs(blueAddress));
  expect(await world.host.must("ip -4 route")).not.toContain("default");

  // A route that red alone has leads red alone to an address behind blue.
  await blue.must("ip address add 192.0.2.7/32 dev lo");
  await red.must(`ip route add 192.0.2.0/24 via ${blueAddress}`);
  expect(await pings(red, "192.0.2.7")).toBe(true);
  expect(await pings(world.host, "192.0.2.7")).toBe(false);
  expect(await routesOf(blue)).toHaveLength(2);
});

scene("a switch v-net-0 with two namespaces", async (world) => {
  const ipam = {
    type: "host-local",
    ranges: [[{ subnet: "192.168.15.0/24", rangeStart: "192.168.15.1", gateway: "192.168.15.254" }]],
  };
  const lab = install(world, network("lab", { bridge: "v-net-0", isGateway: false, ipMasq: false, ipam }));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  expect(addressOf(await add(world, lab, red))).toBe("192.168.15.1");
  expect(addressOf(await add(world, lab, blue))).toBe("192.168.15.2");
  const ports = await world.host.json<{ master: string }[]>("ip -j link show master v-net-0");
  expect(ports.map(({ master }) => master)).toEqual(["v-net-0", "v-net-0"]);
  expect(await pings(red, "192.168.15.2")).toBe(true);
  expect(await pings(blue, "192.168.15.1")).toBe(true);
  expect(await red.must("ip neighbour show 192.168.15.2")).toMatch(/ lladdr 0a:58:c0:a8:0f:02 /);

  // The host has no address on its own switch yet, so it is not on this network.
  expect((await world.host.exec("ping -n -c 1 -W 1 192.168.15.1")).status).not.toBe(0);
  await world.host.must("ip address add 192.168.15.5/24 dev v-net-0");
  expect(await pings(world.host, "192.168.15.1")).toBe(true);
  expect(await pings(red, "192.168.15.5")).toBe(true);

  await del(world, lab, red);
  expect(await world.host.json("ip -j link show master v-net-0")).toHaveLength(1);
  expect(await pings(world.host, "192.168.15.2")).toBe(true);
});

scene("a gateway, masquerading, and a host in the LAN", async (world) => {
  const lan = await addNeighbour(world);
  const open = install(world, network("open", { bridge: "v-net-0", isDefaultGateway: true, ipMasq: false }));
  const red = await world.pod("red");
  const before = addressOf(await add(world, open, red));
  expect(await red.must("ip -4 route")).toContain("default via 10.1.0.1 dev eth0");
  expect(await pings(red, lan.host4)).toBe(true);
  // The packet gets there; the host in the LAN knows no way back to red.
  expect(await isSilent(red, lan.v4)).toBe(true);
  expect(await world.host.must("cat /proc/sys/net/ipv4/ip_forward")).toBe("1\n");
  await del(world, open, red);

  const hidden = install(world, { ...network("hidden", { bridge: "v-net-0", isDefaultGateway: true }) });
  const after = addressOf(await add(world, hidden, red));
  expect(after).toBe(before);
  await using _server = await serve(lan.place, "tcp", lan.v4, 8080);
  expect(await pings(red, lan.v4)).toBe(true);
  expect(await connect(red, lan.v4, 8080)).toBe(`neighbour saw ${lan.host4}`);
  // The host in the LAN still knows no way to red: it answered the node.
  expect(await pings(lan.place, after)).toBe(false);
});

scene("a port forward from the host's port 80", async (world) => {
  const lan = await addNeighbour(world);
  const lab = install(world, network("lab", { bridge: "v-net-0", isDefaultGateway: true }));
  lab.plugins[0]["capabilities"] = { portMappings: true };
  install(world, lab);
  const blue = await world.pod("blue");
  const forward = {
    CAP_ARGS: JSON.stringify({ portMappings: [{ hostPort: 80, containerPort: 80, protocol: "tcp" }] }),
  };
  await using _server = await serve(blue, "tcp", "0.0.0.0", 80);
  expect(await connect(lan.place, lan.host4, 80)).toBeUndefined();
  await add(world, lab, blue, forward);
  expect(await connect(lan.place, lan.host4, 80)).toBe(`blue saw ${lan.v4}`);
  expect(await connect(world.host, lan.host4, 80)).toMatch(/^blue saw /);
  expect(await connect(world.host, "127.0.0.1", 80)).toMatch(/^blue saw /);
  expect(await connect(lan.place, lan.host4, 81)).toBeUndefined();
  await del(world, lab, blue, forward);
  expect(await connect(lan.place, lan.host4, 80)).toBeUndefined();
});
