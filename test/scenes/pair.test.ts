// Links without a bridge, as tutorials wire them by hand with `ip`: here cnitool and Pontoon do it.
import { expect } from "vitest";
import { add, addressOf, del } from "../support/cni.ts";
import { hostLinkOf, linkOf } from "../support/link.ts";
import { install } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { connect, pings, serve } from "../support/traffic.ts";

scene("the host and one namespace joined by a pair, reachable both ways", async (world) => {
  const lab = install(world, ptpNetwork("lab", { ipMasq: false }));
  const red = await world.pod("red");
  const address = addressOf(await add(world, lab, red));
  const name = await hostLinkOf(world, red);
  expect(await pings(world.host, address)).toBe(true);
  expect(await pings(red, "10.1.0.1")).toBe(true);

  await using _inside = await serve(red, "tcp", address, 8080);
  expect(await connect(world.host, address, 8080)).toBe("red saw 10.1.0.1");
  await using _outside = await serve(world.host, "tcp", "10.1.0.1", 9090);
  expect(await connect(red, "10.1.0.1", 9090)).toBe(`the-host saw ${address}`);

  // Nothing is between: each end names the other, and the host has one route, to one address.
  const [inside, outside] = [await linkOf(red, "eth0"), await linkOf(world.host, name)];
  expect([inside.link_index, outside.link_index]).toEqual([outside.ifindex, inside.ifindex]);
  expect(await world.host.must("ip link show type bridge")).toBe("");
  expect(await world.host.must(`ip -4 route show dev ${name}`)).toMatch(/^10\.1\.0\.2 scope link *\n$/);

  await del(world, lab, red);
  expect(await world.host.must("ip -4 route")).toBe("");
  expect((await world.host.exec(`ip link show ${name}`)).status).not.toBe(0);
});
