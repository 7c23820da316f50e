// Which way a packet takes: asked of the kernel, not found by reading tables.
import { expect, test } from "vitest";
import { formatAddress } from "../../src/ip/address.ts";
import { lookUpRoute, lookUpWay } from "../../src/net/route-look-up.ts";
import { address } from "../support/ip.ts";
import { addWire, mustIndex, Scene } from "./scene.ts";

function uplink(): Scene {
  const scene = new Scene();
  addWire(scene.host, "up0", "up1", 1450);
  scene.host.run("ip address add 192.168.9.2/24 dev up0");
  scene.host.run("ip address add fd99::2/64 dev up0 nodad");
  return scene;
}

const FAMILIES = [
  {
    family: "IPv4",
    target: "198.51.100.1",
    gateway: "192.168.9.1",
    everything: "0.0.0.0/0",
    near: "192.168.9.77",
  },
  { family: "IPv6", target: "2001:db8::1", gateway: "fd99::1", everything: "::/0", near: "fd99::77" },
];

test.each(FAMILIES)("$family: without any route there is no way", ({ target }) => {
  using scene = uplink();
  expect(lookUpRoute(scene.host.links, address(target))).toBeUndefined();
});

test.each(FAMILIES)(
  "$family: the default route's link is the way, its MTU only when the route itself has one",
  ({ target, gateway, everything, near }) => {
    using scene = uplink();
    const { host } = scene;
    const index = mustIndex(host, "up0");
    host.run(`ip route add ${everything} via ${gateway} dev up0`);
    expect(lookUpRoute(host.links, address(target))).toEqual({ index, mtu: undefined });
    host.run(`ip route replace ${everything} via ${gateway} dev up0 mtu 1300`);
    expect(lookUpRoute(host.links, address(target))).toEqual({ index, mtu: 1300 });
    expect(lookUpRoute(host.links, address(near))).toEqual({ index, mtu: undefined });
  },
);

test.each(FAMILIES)(
  "$family: a way has the router and the own address that ip shows",
  ({ target, ...one }) => {
    using scene = uplink();
    const { host } = scene;
    expect(lookUpWay(host.links, address(target))).toBeUndefined();
    host.run(`ip route add ${one.everything} via ${one.gateway} dev up0 mtu 1300`);
    const shown = JSON.parse(host.run(`ip -j route get ${target}`)) as { gateway: string; prefsrc: string }[];
    const way = lookUpWay(host.links, address(target));
    expect(way).toMatchObject({ index: mustIndex(host, "up0"), mtu: 1300 });
    const { gateway, source } = way ?? {};
    expect([gateway, source].map((each) => each && formatAddress(each))).toEqual([
      shown[0]?.gateway,
      shown[0]?.prefsrc,
    ]);
    expect(lookUpWay(host.links, address(one.near))).toMatchObject({ gateway: undefined });
  },
);

test.each(
  FAMILIES.flatMap((family) => ["unreachable", "blackhole", "prohibit"].map((kind) => ({ ...family, kind }))),
)("$family: a route that is $kind is no way", ({ everything, target, kind }) => {
  using scene = uplink();
  scene.host.run(`ip route add ${kind} ${everything}`);
  expect(lookUpRoute(scene.host.links, address(target))).toBeUndefined();
});

test.each(FAMILIES)(
  "$family: rules and tables count, since the kernel is asked",
  ({ target, gateway, everything, family }) => {
    using scene = uplink();
    const { host } = scene;
    host.run(`ip route add ${everything} via ${gateway} dev up0 mtu 1333 table 1000`);
    host.run(`ip ${family === "IPv6" ? "-6 " : ""}rule add lookup 1000`);
    expect(lookUpRoute(host.links, address(target))?.mtu).toBe(1333);
  },
);

test.each(FAMILIES)(
  "$family: with several ways at once, one of them is given",
  ({ target, everything, gateway, family }) => {
    using scene = uplink();
    const { host } = scene;
    addWire(host, "w0", "w1");
    host.run(`ip address add ${family === "IPv6" ? "fd98::2/64 nodad" : "192.168.8.2/24"} dev w0`);
    const other = family === "IPv6" ? "fd98::1" : "192.168.8.1";
    host.run(`ip route add ${everything} nexthop via ${gateway} dev up0 nexthop via ${other} dev w0`);
    const found = lookUpRoute(host.links, address(target));
    expect([mustIndex(host, "up0"), mustIndex(host, "w0")]).toContain(found?.index);
  },
);
