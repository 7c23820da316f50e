// Each file of cni-conf/ does what the README beside it says.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { add, addressesOf, check, cnitool, del, gatewayOf, mustSucceed, plugin } from "../support/cni.ts";
import { plugIn, settled } from "../support/device.ts";
import { addNeighbour, type Neighbour, wireOf } from "../support/neighbour.ts";
import type { Network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { REPOSITORY } from "../support/tool.ts";
import { connect, isSilent, pings, serve } from "../support/traffic.ts";
import { CONFIG_FOLDER, type Pod, type World } from "../support/world.ts";

const FOLDER = join(REPOSITORY, "cni-conf");
const IPV4 = /^10\.222\.\d+\.\d+$/;
const IPV6 = /^fd6a:2f1c:9b40::/;

interface Promised {
  file: string;
  addresses: RegExp[];
  masqueraded: boolean;
}

const PROMISES: Promised[] = [
  { file: "10-pontoon.conflist", addresses: [IPV4], masqueraded: true },
  { file: "20-pontoon-dual-stack.conflist", addresses: [IPV4, IPV6], masqueraded: true },
  { file: "30-pontoon-ipv6.conflist", addresses: [IPV6], masqueraded: true },
  { file: "40-pontoon-no-masquerade.conflist", addresses: [IPV4], masqueraded: false },
  { file: "50-pontoon-ptp.conflist", addresses: [IPV4, IPV6], masqueraded: true },
];

const WIRE = "60-pontoon-wire.conflist";
/** The file whose pods are on no bridge. */
const DEVICE = "70-pontoon-device.conflist";

scene(
  `${DEVICE}: two pods get a card each, with an address, and both cards are back after DEL`,
  async (world) => {
    const cards = [await plugIn(world, "eth7"), await plugIn(world, "eth88")];
    const conflist = copy(world, DEVICE);
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const before = await Promise.all(cards.map(({ name }) => settled(world.host, name)));
    for (const pod of [red, blue]) {
      expect(addressesOf(await add(world, conflist, pod))[0]).toMatch(/^10\.223\.1\./);
      expect(await check(world, conflist, pod)).toBeUndefined();
      mustSucceed(await cnitool(world, "status", conflist.name, pod));
    }
    for (const pod of [red, blue]) await del(world, conflist, pod);
    expect(await Promise.all(cards.map(({ name }) => settled(world.host, name)))).toEqual(before);
  },
);

test("every file has a scene here and a line in the README", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".conflist"));
  expect(files.sort()).toEqual([...PROMISES.map(({ file }) => file), WIRE, DEVICE]);
  const readme = readFileSync(join(FOLDER, "README.md"), "utf8");
  for (const file of files) expect(readme).toContain(`\`${file}\``);
});

for (const { file, addresses: kinds, masqueraded } of PROMISES) {
  scene(
    `${file}: pods get their addresses, reach each other and the node, and are gone after DEL`,
    async (world) => {
      const conflist = copy(world, file);
      const red = await world.pod("red");
      const blue = await world.pod("blue");
      const result = await add(world, conflist, red);
      const others = addressesOf(await add(world, conflist, blue));
      expect(result.cniVersion).toBe("1.1.0");
      for (const [index, kind] of kinds.entries()) {
        expect(addressesOf(result)[index]).toMatch(kind);
        expect(await pings(red, gatewayOf(result, index))).toBe(true);
        expect(await pings(red, others[index]!)).toBe(true);
      }
      expect(addressesOf(result)).toHaveLength(kinds.length);
      expect(await check(world, conflist, red)).toBeUndefined();
      mustSucceed(await cnitool(world, "status", conflist.name, red));
      await del(world, conflist, red);
      await del(world, conflist, blue);
      mustSucceed(await plugin(world, "GC", { network: { ...conflist, cniVersion: "1.1.0" } }));
    },
  );

  for (const drops of [false, true]) {
    const where = drops ? ", also where iptables drops what is forwarded" : "";
    scene(
      `${file}: packets leave the node with ${masqueraded ? "the node's" : "the pod's own"} address${where}`,
      async (world) => {
        if (drops)
          for (const program of ["iptables", "ip6tables"])
            await world.host.must(`${program} -P FORWARD DROP`);
        const neighbour = await addNeighbour(world);
        const red = await world.pod("red");
        const result = await add(world, copy(world, file), red);
        for (const [index, address] of addressesOf(result).entries()) {
          const wire = wireOf(neighbour, address);
          if (!masqueraded) await routeWhereSilent(red, neighbour, address, gatewayOf(result, index));
          await using _server = await serve(neighbour.place, "tcp", wire.theirs, 8080);
          expect(await connect(red, wire.theirs, 8080)).toBe(
            `neighbour saw ${masqueraded ? wire.ours : address}`,
          );
        }
      },
    );
  }
}

scene(`${WIRE}: two pods get their addresses, reach each other, and are gone after DEL`, async (world) => {
  const conflist = copy(world, WIRE);
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await add(world, conflist, red);
  const addresses = addressesOf(await add(world, conflist, blue));
  expect(addresses).toEqual(["10.223.0.1", "fd6a:2f1c:9b41::1"]);
  for (const address of addresses) expect(await pings(red, address)).toBe(true);
  expect(await check(world, conflist, red)).toBeUndefined();
  mustSucceed(await cnitool(world, "status", conflist.name, red));
  for (const pod of [red, blue]) await del(world, conflist, pod);
  mustSucceed(await plugin(world, "GC", { network: { ...conflist, cniVersion: "1.1.0" } }));
});

/** The network around "must have a route to it". */
async function routeWhereSilent(
  red: Pod,
  neighbour: Neighbour,
  address: string,
  gateway: string,
): Promise<void> {
  const { theirs, ours } = wireOf(neighbour, gateway);
  expect(await isSilent(red, theirs)).toBe(true);
  await neighbour.place.must(`ip route add ${address} via ${ours}`);
}

function copy(world: World, file: string): Network {
  const text = readFileSync(join(FOLDER, file), "utf8");
  world.write(join(CONFIG_FOLDER, file), text);
  return JSON.parse(text) as Network;
}
