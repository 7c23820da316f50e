// Routes as we set them, judged by `ip`; and those of `ip` read by us.
import { expect, test } from "vitest";
import { formatAddress } from "../../src/ip/address.ts";
import { formatPrefix } from "../../src/ip/prefix.ts";
import { addRouteMessage, type LinkRoute } from "../../src/net/route.ts";
import { listRoutes } from "../../src/net/route-list.ts";
import { address, prefix } from "../support/ip.ts";
import type { Netns } from "../support/netns.ts";
import { mustIndex, refusal, Scene } from "./scene.ts";

/** A pod with an address of each family, as an ADD has it when it comes to routes. */
class Routed extends Scene {
  readonly index: number;

  constructor() {
    super();
    this.connect();
    this.index = mustIndex(this.pod, "eth0");
    this.pod.run("ip address add 10.1.0.2/24 dev eth0");
    this.pod.run("ip address add fd01::2/64 dev eth0 nodad");
  }

  add(route: Omit<LinkRoute, "index">): void {
    this.pod.links.execute([addRouteMessage({ index: this.index, ...route })]);
  }
}

function ipRoutes(netns: Netns, family: 4 | 6, table = "main"): Record<string, unknown>[] {
  return netns.json(`ip -j -d -${family} route show table ${table}`);
}

function ipRoute(netns: Netns, dst: string, table = "main"): Record<string, unknown> | undefined {
  return ipRoutes(netns, dst.includes(":") ? 6 : 4, table).find((route) => route["dst"] === dst);
}

test.each([
  ["10.9.0.0/16", "10.1.0.1"],
  ["fd09::/32", "fd01::1"],
])("a route to %s with MTU, advmss and priority", (dst, gateway) => {
  using net = new Routed();
  net.add({ dst: prefix(dst), gateway: address(gateway), mtu: 1300, advmss: 1200, priority: 77 });
  expect(ipRoute(net.pod, dst)).toMatchObject({
    type: "unicast",
    gateway,
    dev: "eth0",
    protocol: "boot",
    metric: 77,
    metrics: [{ mtu: 1300, advmss: 1200 }],
  });
});

test.each([
  ["10.9.0.0/16", "10.1.0.1", 1000],
  ["fd09::/32", "fd01::1", 70_000],
])("a route to %s in a table above 255 is there, and not in the main one", (dst, gateway, table) => {
  using net = new Routed();
  net.add({ dst: prefix(dst), gateway: address(gateway), table });
  expect(ipRoute(net.pod, dst, String(table))).toMatchObject({ gateway });
  expect(ipRoute(net.pod, dst)).toBeUndefined();
});

test("default routes of both families, and host bits of a destination are dropped", () => {
  using net = new Routed();
  net.add({ dst: prefix("0.0.0.0/0"), gateway: address("10.1.0.1") });
  net.add({ dst: prefix("::/0"), gateway: address("fd01::1") });
  net.add({ dst: prefix("10.9.8.7/16"), gateway: address("10.1.0.1") });
  expect(ipRoutes(net.pod, 4).find(({ dst }) => dst === "default")).toMatchObject({
    gateway: "10.1.0.1",
    scope: "global",
  });
  expect(ipRoutes(net.pod, 6).find(({ dst }) => dst === "default")).toMatchObject({ gateway: "fd01::1" });
  expect(ipRoute(net.pod, "10.9.0.0/16")).toBeDefined();
});

test("without a gateway the destination is on the link: scope link in IPv4, or the scope that is asked for", () => {
  using net = new Routed();
  net.add({ dst: prefix("10.9.0.0/16") });
  net.add({ dst: prefix("10.8.0.0/16"), scope: 0 });
  net.add({ dst: prefix("fd09::/32") });
  expect(ipRoute(net.pod, "10.9.0.0/16")).toMatchObject({ scope: "link", dev: "eth0" });
  expect(ipRoute(net.pod, "10.8.0.0/16")).toMatchObject({ scope: "global" });
  expect(ipRoute(net.pod, "fd09::/32")).toMatchObject({ dev: "eth0" });
});

test.each([
  ["10.9.0.0/16", "192.168.77.1"],
  ["fd09::/32", "fd77::1"],
])(
  "a gateway outside of all subnets is taken when it is said to be on the link, refused when not (%s)",
  (dst, gateway) => {
    using net = new Routed();
    const refused = refusal(() => net.add({ dst: prefix(dst), gateway: address(gateway) }));
    expect(refused).toMatchObject({ operation: `add route ${dst} via ${gateway}` });
    expect(["ENETUNREACH", "EHOSTUNREACH"].some((name) => refused.message.includes(name))).toBe(true);
    net.add({ dst: prefix(dst), gateway: address(gateway), onLink: true });
    expect(ipRoute(net.pod, dst)).toMatchObject({ gateway, flags: expect.arrayContaining(["onlink"]) });
  },
);

test("the kernel's sentence comes with a refused route", () => {
  using net = new Routed();
  expect(
    refusal(() => net.add({ dst: prefix("10.9.0.0/16"), gateway: address("192.168.77.1") })),
  ).toMatchObject({ errno: 101, kernelText: "Nexthop has invalid gateway" });
});

test("the same route again is EEXIST; with another priority it is another route", () => {
  using net = new Routed();
  for (const [dst, gateway] of [
    ["10.9.0.0/16", "10.1.0.1"],
    ["fd09::/32", "fd01::1"],
  ] as const) {
    const route = { dst: prefix(dst), gateway: address(gateway), priority: 5 };
    net.add(route);
    expect(refusal(() => net.add(route)).errno).toBe(17);
    net.add({ ...route, priority: 6 });
    expect(ipRoutes(net.pod, route.dst.address.family).filter((each) => each["dst"] === dst)).toHaveLength(2);
  }
});

test("one destination by two gateways is two routes, which the kernel may make one of", () => {
  using net = new Routed();
  for (const [dst, family, gateways] of [
    ["10.9.0.0/16", 4, ["10.1.0.1", "10.1.0.7"]],
    ["fd09::/32", 6, ["fd01::1", "fd01::7"]],
  ] as const) {
    for (const gateway of gateways) net.add({ dst: prefix(dst), gateway: address(gateway) });
    const listed = listRoutes(net.pod.links, family, { index: net.index }).filter(
      (route) => formatPrefix(route.dst) === dst,
    );
    expect(listed.map(({ gateway }) => formatAddress(gateway!)).sort()).toEqual(gateways);
  }
});

test("of a route by several links a list for one of them holds its own way alone", () => {
  using net = new Routed();
  net.pod.run("ip link add br1 up type bridge");
  net.pod.run("ip address add 10.2.0.2/24 dev br1");
  net.pod.run("ip address add fd02::2/64 dev br1 nodad");
  net.pod.run("ip route add 10.9.0.0/16 nexthop via 10.1.0.1 dev eth0 nexthop via 10.2.0.1 dev br1");
  net.pod.run("ip -6 route add fd09::/32 nexthop via fd01::1 dev eth0 nexthop via fd02::1 dev br1");
  for (const [dst, family] of [
    ["10.9.0.0/16", 4],
    ["fd09::/32", 6],
  ] as const) {
    for (const index of [net.index, mustIndex(net.pod, "br1")]) {
      const listed = listRoutes(net.pod.links, family, { index }).filter(
        (route) => formatPrefix(route.dst) === dst,
      );
      expect(listed.map((route) => route.index)).toEqual([index]);
    }
  }
});

test("a table that is not there has no routes, as the main one of a namespace that had no address yet", () => {
  using net = new Scene();
  for (const family of [4, 6] as const)
    for (const table of [254, 1000]) expect(listRoutes(net.pod.links, family, { table })).toEqual([]);
});

test("what `ip` makes of a route, we read", () => {
  using net = new Routed();
  net.pod.run("ip route add 10.9.0.0/16 via 10.1.0.1 mtu 1300 advmss 1200 metric 7 table 1000");
  net.pod.run("ip -6 route add fd09::/32 via fd01::1 mtu 1300 advmss 1220 metric 7 table 1000");
  for (const [family, dst, gateway, advmss] of [
    [4, "10.9.0.0/16", "10.1.0.1", 1200],
    [6, "fd09::/32", "fd01::1", 1220],
  ] as const) {
    const [route, ...others] = listRoutes(net.pod.links, family, { table: 1000 });
    expect(others).toEqual([]);
    expect(route).toMatchObject({ index: net.index, mtu: 1300, advmss, priority: 7, table: 1000 });
    expect([formatPrefix(route!.dst), formatAddress(route!.gateway!)]).toEqual([dst, gateway]);
  }
});

test("a list holds what the filter asks for and nothing else: link, table, origin", () => {
  using net = new Routed();
  const { pod } = net;
  pod.run("ip link add br1 up type bridge");
  for (const [prefixOf, family] of [
    ["10.9", 4],
    ["fd09", 6],
  ] as const) {
    const dst = (last: number) => (family === 4 ? `${prefixOf}.${last}.0/24` : `${prefixOf}:${last}::/32`);
    pod.run(`ip -${family} route add ${dst(1)} dev eth0`);
    pod.run(`ip -${family} route add ${dst(2)} dev br1`);
    pod.run(`ip -${family} route add ${dst(3)} dev eth0 table 1000`);
    pod.run(`ip -${family} route add ${dst(4)} dev eth0 proto ra`);
    const listed = (filter: Parameters<typeof listRoutes>[2]) =>
      listRoutes(pod.links, family, filter)
        .map((route) => formatPrefix(route.dst))
        .filter((text) => text.startsWith(prefixOf))
        .sort();
    const other = mustIndex(pod, "br1");
    expect(listed({ index: net.index, table: 254 })).toEqual([dst(1), dst(4)]);
    expect(listed({ index: other, table: 254 })).toEqual([dst(2)]);
    expect(listed({ index: net.index, table: 1000 })).toEqual([dst(3)]);
    expect(listed({ protocol: 9 })).toEqual([dst(4)]);
    expect(listed({ protocol: 9, index: other })).toEqual([]);
    expect(listed({ index: net.index })).toEqual([dst(1), dst(3), dst(4)]);
  }
});

function listedOrErrno({ pod }: Routed, family: 4 | 6, table: number): LinkRoute[] | string {
  try {
    return listRoutes(pod.links, family, { table });
  } catch (error) {
    return `errno ${(error as { errno: number }).errno}`;
  }
}

test("a table that nobody has made is empty or refused with ENOENT, as the kernel likes, and no wrong list", () => {
  using net = new Routed();
  for (const family of [4, 6] as const) {
    expect([[], "errno 2"]).toContainEqual(listedOrErrno(net, family, 4711));
  }
});
