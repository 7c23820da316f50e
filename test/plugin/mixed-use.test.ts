// Drop-in, the other half: attachments of the reference plugins are taken down by ours, and ours by them.
import { expect } from "vitest";
import { add, addressesOf, addressOf, check, del, mustSucceed, plugin } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, type Network, network } from "../support/network.ts";
import { asReference, installReference, iptablesVariants, natLines } from "../support/reference.ts";
import { scene } from "../support/scene.ts";
import { snapshot, snapshotOfFiles } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import type { Pod, World } from "../support/world.ts";

const SUBNETS = ["10.1.0.0/24", "fd01::/64"];
const LEASES = "/var/lib/cni/networks/pods";

/**
 * The ways in which the reference plugin masquerades: its backends, and the variants of the program of one of
 * them.
 */
const WAYS = [
  { way: "nftables", ipMasqBackend: "nftables", variant: "nft" },
  { way: "iptables in its nftables variant", ipMasqBackend: "iptables", variant: "nft" },
  { way: "iptables in its legacy variant", ipMasqBackend: "iptables", variant: "legacy" },
];

for (const { way, ipMasqBackend, variant } of WAYS) {
  const wishes = { subnets: SUBNETS, ipMasqBackend };
  const envOf = (world: World) => iptablesVariants(world).find(({ name }) => name === variant)!.env;

  scene(
    `${way}: our DEL takes away how the reference plugin masqueraded one pod, and leaves it to the other`,
    async (world) => {
      const neighbour = await addNeighbour(world);
      const [red, blue, pods, env] = [
        await world.pod("red"),
        await world.pod("blue"),
        network("pods", wishes),
        envOf(world),
      ];
      await add(world, installReference(world, pods), red, env);
      const onlyRed = await natLines(world);
      await add(world, installReference(world, pods), blue, env);
      expect(await natLines(world)).not.toEqual(onlyRed);
      install(world, pods);
      for (let times = 0; times < 2; times++) {
        await del(world, pods, blue, env);
        expect(await natLines(world)).toEqual(onlyRed);
      }
      for (const address of [neighbour.v4, neighbour.v6]) await answers(red, address);
      await del(world, pods, red, env);
      expect(await leftovers(world)).toEqual([]);
    },
    60_000,
  );

  scene(
    `${way}: so does a DEL without a namespace and without the memory of the runtime, and a GC`,
    async (world) => {
      const [red, blue, pods, env] = [
        await world.pod("red"),
        await world.pod("blue"),
        network("pods", wishes),
        envOf(world),
      ];
      await add(world, installReference(world, pods), red, env);
      const onlyRed = await natLines(world);
      await add(world, installReference(world, pods), blue, env);
      install(world, pods);
      mustSucceed(
        await plugin(world, "DEL", { network: pods, containerId: blue.containerId, netns: "", env }),
      );
      expect(await natLines(world)).toEqual(onlyRed);
      mustSucceed(await collect(world, pods, [red]));
      expect(await natLines(world)).toEqual(onlyRed);
      mustSucceed(await collect(world, pods, []));
      expect(await natLines(world)).toEqual([]);
    },
    60_000,
  );

  for (const memory of ["with", "without"] as const) {
    scene(
      `${way}: a DEL of one of two interfaces of a pod, ${memory} the memory of the runtime, leaves the other masqueraded`,
      async (world) => {
        const neighbour = await addNeighbour(world);
        const [red, pods, env] = [await world.pod("red"), network("pods", wishes), envOf(world)];
        await add(world, installReference(world, pods), red, env);
        const onlyFirst = await natLines(world);
        const withoutRoutes = {
          ...pods,
          plugins: [{ ...pods.plugins[0], ipam: { ...pods.plugins[0].ipam!, routes: [] } }],
        } as Network;
        await add(world, installReference(world, withoutRoutes), red, { ...env, CNI_IFNAME: "eth1" });
        install(world, pods);
        if (memory === "with") await del(world, pods, red, { ...env, CNI_IFNAME: "eth1" });
        else mustSucceed(await plugin(world, "DEL", { network: pods, pod: red, interfaceName: "eth1", env }));
        expect(await natLines(world)).toEqual(onlyFirst);
        for (const address of [neighbour.v4, neighbour.v6]) await answers(red, address);
        await del(world, pods, red, env);
        expect(await leftovers(world)).toEqual([]);
      },
      60_000,
    );
  }
}

scene(
  "below CNI 0.4.0 no runtime says which interface it was: our DEL takes away that of the reference plugin, and no other",
  async (world) => {
    const [pods, others] = [
      network("pods", { cniVersion: "0.3.1" }),
      network("others", { cniVersion: "0.3.1", bridge: "pods0", subnets: ["10.2.0.0/24"] }),
    ];
    const red = await world.pod("red");
    await add(world, installReference(world, pods), red);
    install(world, others);
    await del(world, others, red);
    expect((await red.exec("ip link show eth0")).status).toBe(0);
    install(world, pods);
    await del(world, pods, red);
    expect((await red.exec("ip link show eth0")).status).not.toBe(0);
    expect(await leftovers(world)).toEqual([]);
  },
);

scene(
  "leases of both forms go with our DEL: that of the interface, else the old one of the container alone",
  async (world) => {
    const pods = install(world, network("pods"));
    world.write(`${LEASES}/10.1.0.5`, "somebody\r\neth0");
    world.write(`${LEASES}/10.1.0.6`, "somebody");
    const call = { network: pods, containerId: "somebody", netns: "" };
    mustSucceed(await plugin(world, "DEL", call));
    expect([world.has(`${LEASES}/10.1.0.5`), world.has(`${LEASES}/10.1.0.6`)]).toEqual([false, true]);
    mustSucceed(await plugin(world, "DEL", call));
    expect(world.has(`${LEASES}/10.1.0.6`)).toBe(false);
  },
);

scene(
  "a pod of ours that the reference plugin took down can be attached again at once, in the same namespace",
  async (world) => {
    const pods = network("pods", { subnets: SUBNETS, macspoofchk: true });
    const red = await world.pod("red");
    for (let times = 0; times < 2; times++) {
      await add(world, install(world, pods), red);
      expect([
        await pings(red, "10.1.0.1"),
        await pings(red, "fd01::1"),
        await check(world, pods, red),
      ]).toEqual([true, true, undefined]);
      await del(world, installReference(world, pods), red);
      expect((await red.exec("ip link show eth0")).status).not.toBe(0);
    }
    await add(world, install(world, pods), red);
    await del(world, install(world, pods), red);
    expect(await leftovers(world)).toEqual([]);
  },
);

scene(
  "what it leaves of ours harms nobody: the next pod gets the address and works, and the record of the first one goes",
  async (world) => {
    const neighbour = await addNeighbour(world);
    const pods = oneAddress();
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const address = addressOf(await add(world, install(world, pods), red));
    await del(world, installReference(world, pods), red);
    expect(addressOf(await add(world, install(world, pods), blue))).toBe(address);
    expect([await pings(blue, neighbour.v4), await check(world, pods, blue)]).toEqual([true, undefined]);
    expect(await records(world)).toHaveLength(1);
    await del(world, pods, blue);
    expect(await leftovers(world)).toEqual([]);
  },
);

scene("nor when the reference plugin hands the address out; then a GC clears it", async (world) => {
  const neighbour = await addNeighbour(world);
  const pods = oneAddress();
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  const address = addressOf(await add(world, install(world, pods), red));
  await del(world, installReference(world, pods), red);
  expect(addressOf(await add(world, installReference(world, pods), blue))).toBe(address);
  expect(await pings(blue, neighbour.v4)).toBe(true);
  mustSucceed(await collect(world, pods, [blue]));
  expect(await records(world)).toEqual([]);
  expect((await snapshot(world)).elements.lines).toEqual([]);
  expect(await pings(blue, neighbour.v4)).toBe(true);
});

scene(
  "both programs in turn on one network: no address twice, everybody reaches everybody, and each takes down what the other made",
  async (world) => {
    const pods = network("pods", { subnets: SUBNETS });
    const all = await manyPods(world, 6);
    const addresses = [];
    for (const [index, pod] of all.entries())
      addresses.push(
        ...addressesOf(
          await add(world, index % 2 === 0 ? install(world, pods) : installReference(world, pods), pod),
        ),
      );
    expect(new Set(addresses).size).toBe(2 * all.length);
    for (const pod of all) for (const address of addresses) await answers(pod, address);
    for (const [index, pod] of all.entries())
      await del(world, index % 2 === 0 ? installReference(world, pods) : install(world, pods), pod);
    expect(addressesOf(await add(world, install(world, pods), all[0]!))).toHaveLength(2);
    mustSucceed(await collect(world, pods, []));
    expect(await leftovers(world)).toEqual([]);
  },
  60_000,
);

scene(
  "20 ADDs of each at once: no address twice, and nothing is left when each has taken down what the other made",
  async (world) => {
    const pods = network("pods", { subnets: SUBNETS });
    const reference = { ...asReference(world, pods), name: "pods" };
    world.write("/run/world/reference.d/pods.conflist", JSON.stringify(reference));
    install(world, pods);
    const env = (isOurs: boolean): Record<string, string> =>
      isOurs ? {} : { NETCONFPATH: "/run/world/reference.d" };
    const all = await manyPods(world, 40);
    const isOurs = (index: number): boolean => index % 2 === 0;
    const results = await Promise.all(all.map((pod, index) => add(world, pods, pod, env(isOurs(index)))));
    const addresses = results.flatMap(addressesOf);
    expect(new Set(addresses).size).toBe(2 * all.length);
    for (const pod of all)
      for (const address of ["10.1.0.1", "fd01::1", ...addresses.slice(0, 4)]) await answers(pod, address);
    await Promise.all(all.map((pod, index) => del(world, pods, pod, env(!isOurs(index)))));
    const { hostEnds, podEnds, leases } = await snapshot(world);
    expect(hostEnds.plus(podEnds, leases).lines).toEqual([]);
    mustSucceed(await collect(world, pods, []));
    expect(await leftovers(world)).toEqual([]);
  },
  120_000,
);

/** The reference plugin does not wait until an address can be used (2 s for the first gateway of IPv6). */
async function answers(from: Pod, address: string): Promise<void> {
  await waitFor(`${address} answers ${from.name}`, () => pings(from, address), 10_000);
}

/** What belongs to an attachment, of whichever program: there is none any more. */
async function leftovers(world: World): Promise<string[]> {
  return [...(await snapshot(world)).attachments.lines, ...(await natLines(world))];
}

async function records(world: World): Promise<string[]> {
  return (await snapshotOfFiles(world)).records.lines;
}

async function manyPods(world: World, count: number): Promise<Pod[]> {
  const all = [];
  for (let index = 0; index < count; index++) all.push(await world.pod(`pod-${index}`));
  return all;
}

function oneAddress(): Network {
  const pods = network("pods");
  pods.plugins[0].ipam!.ranges = [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.5" }]];
  return pods;
}
