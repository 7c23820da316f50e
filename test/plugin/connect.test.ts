// Two pods on one bridge: what they reach, and what stays each one's own.
import { expect } from "vitest";
import { add, addressesOf, gatewayOf } from "../support/cni.ts";
import { FAMILIES, install, network } from "../support/network.ts";
import type { Place } from "../support/place.ts";
import { scene } from "../support/scene.ts";
import { connect, pings, serve } from "../support/traffic.ts";
import type { World } from "../support/world.ts";

for (const { family, subnets } of FAMILIES) {
  scene(`${family}: two pods on one bridge reach each other by ping and TCP`, async (world) => {
    const { red, blue } = await twoPods(world, subnets);
    for (const [index, address] of blue.addresses.entries()) {
      expect(await pings(red.pod, address)).toBe(true);
      expect(await pings(blue.pod, red.addresses[index]!)).toBe(true);
      await using _server = await serve(blue.pod, "tcp", address, 8080);
      // Inside a network's own subnet nobody changes the sender's address.
      expect(await connect(red.pod, address, 8080)).toBe(`blue saw ${red.addresses[index]}`);
    }
  });

  scene(`${family}: the pods know each other by the MACs that their results name`, async (world) => {
    const { red, blue } = await twoPods(world, subnets);
    for (const [index, address] of blue.addresses.entries()) {
      expect(await pings(red.pod, address)).toBe(true);
      expect(await neighbourMac(red.pod, address)).toBe(blue.mac);
      expect(await neighbourMac(blue.pod, red.addresses[index]!)).toBe(red.mac);
    }
  });

  scene(`${family}: each pod reaches the bridge's address, and the host reaches each pod`, async (world) => {
    const { red, blue } = await twoPods(world, subnets);
    for (const { pod, addresses, gateways } of [red, blue]) {
      for (const gateway of gateways) expect(await pings(pod, gateway)).toBe(true);
      for (const address of addresses) expect(await pings(world.host, address)).toBe(true);
    }
  });

  scene(`${family}: each pod has its own routes, and the default one leads to the bridge`, async (world) => {
    const { red, blue } = await twoPods(world, subnets);
    for (const { pod, gateways } of [red, blue]) {
      expect(await defaultGateways(pod)).toEqual(gateways);
    }
    expect(await defaultGateways(world.host)).toEqual([]);
  });
}

scene(
  "each pod has its own loopback: a server there is not reached from the other pod nor from the host",
  async (world) => {
    const { red, blue } = await twoPods(world, ["10.1.0.0/24"]);
    await using _server = await serve(red.pod, "tcp", "127.0.0.1", 7000);
    expect(await connect(red.pod, "127.0.0.1", 7000)).toBe("red saw 127.0.0.1");
    expect(await connect(blue.pod, "127.0.0.1", 7000)).toBeUndefined();
    expect(await connect(world.host, "127.0.0.1", 7000)).toBeUndefined();
    expect(await connect(blue.pod, red.addresses[0]!, 7000)).toBeUndefined();
    expect(await connect(world.host, red.addresses[0]!, 7000)).toBeUndefined();
  },
);

async function twoPods(world: World, subnets: string[]) {
  const pods = install(world, network("pods", { subnets }));
  const attached = [];
  for (const name of ["red", "blue"]) {
    const pod = await world.pod(name);
    const result = await add(world, pods, pod);
    const gateways = subnets.map((_, index) => gatewayOf(result, index));
    const mac = result.interfaces?.find(({ sandbox }) => sandbox === pod.namespace)?.mac;
    attached.push({ pod, addresses: addressesOf(result), gateways, mac });
  }
  const [red, blue] = attached;
  return { red: red!, blue: blue! };
}

async function neighbourMac(place: Place, address: string): Promise<string | undefined> {
  const [entry] = await place.json<{ lladdr?: string }[]>(`ip -j neighbour show to ${address}`);
  return entry?.lladdr;
}

async function defaultGateways(place: Place): Promise<(string | undefined)[]> {
  const v4 = await place.json<{ gateway?: string }[]>("ip -j -4 route show default");
  const v6 = await place.json<{ gateway?: string }[]>("ip -j -6 route show default");
  return [...v4, ...v6].map(({ gateway }) => gateway);
}
