// Servers in the host and in pods.
import { expect } from "vitest";
import { add, addressOf, gatewayOf } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { ask, connect, serve } from "../support/traffic.ts";

for (const [family, subnet] of [
  ["IPv4", "10.1.0.0/24"],
  ["IPv6", "fd01::/64"],
] as const) {
  scene(`${family}: a server that listens in the host is reached at the gateway's address`, async (world) => {
    const red = await world.pod("red");
    const result = await add(world, install(world, network("pods", { subnets: [subnet] })), red);
    await using _tcp = await serve(world.host, "tcp", gatewayOf(result), 8080);
    await using _udp = await serve(world.host, "udp", gatewayOf(result), 8080);
    expect(await connect(red, gatewayOf(result), 8080)).toBe(`the-host saw ${addressOf(result)}`);
    expect(await ask(red, gatewayOf(result), 8080)).toBe(`the-host saw ${addressOf(result)}`);
  });

  scene(`${family}: servers on one port in two pods and in the host do not collide`, async (world) => {
    const pods = install(world, network("pods", { subnets: [subnet] }));
    const anywhere = family === "IPv4" ? "0.0.0.0" : "::";
    const red = await world.pod("red");
    const blue = await world.pod("blue");
    const redAddress = addressOf(await add(world, pods, red));
    const blueResult = await add(world, pods, blue);
    await using _red = await serve(red, "tcp", anywhere, 8080);
    await using _blue = await serve(blue, "tcp", anywhere, 8080);
    await using _host = await serve(world.host, "tcp", anywhere, 8080);
    expect(await connect(world.host, redAddress, 8080)).toMatch(/^red saw/);
    expect(await connect(world.host, addressOf(blueResult), 8080)).toMatch(/^blue saw/);
    expect(await connect(red, gatewayOf(blueResult), 8080)).toMatch(/^the-host saw/);
  });
}
