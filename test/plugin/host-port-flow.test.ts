// UDP flows beside host ports: the kernel leads one along its old way for as long as packets come, so ADD,
// DEL and GC take out those whose way has changed, and no others.
import { expect } from "vitest";
import { add, addressOf, del, mustSucceed } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { DEL_WAYS } from "../support/del-way.ts";
import { addWithPorts, both, portNetwork } from "../support/host-port.ts";
import { dies } from "../support/link.ts";
import { addNeighbour, type Neighbour, wireOf } from "../support/neighbour.ts";
import type { Network } from "../support/network.ts";
import type { Place } from "../support/place.ts";
import { scene } from "../support/scene.ts";
import { warmUp } from "../support/steady.ts";
import { serve } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

const WEB = both({ hostPort: 8080, containerPort: 80 });
const FAMILIES = [
  { family: "IPv4", subnet: "10.1.0.0/24" },
  { family: "IPv6", subnet: "fd01::/64" },
];

for (const { family, subnet } of FAMILIES) {
  scene(
    `${family}: a flow of UDP that was there before finds the pod at once, and after DEL the next one; others go on`,
    async (world) => {
      const { neighbour, theirs, ours, pods } = await stage(world, subnet);
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      const others = await otherFlow(world, neighbour, pods, subnet);
      expect(await askFrom(4444, neighbour.place, ours)).toBeUndefined();
      expect(await flows(world, ours)).toHaveLength(1);
      for (const pod of [red, blue]) {
        const address = addressOf(await addWithPorts(world, pods, pod, WEB));
        expect(await flows(world, ours)).toEqual([]);
        await using _udp = await serve(pod, "udp", address, 80);
        expect(await askFrom(4444, neighbour.place, ours)).toBe(`${pod.name} saw ${theirs}`);
        await del(world, pods, pod);
        expect(await flows(world, ours)).toEqual([]);
        expect(await flows(world, theirs)).toEqual(others);
      }
    },
  );

  scene(
    `${family}: a flow to a pod that died without DEL goes to the next holder of the port`,
    async (world) => {
      const { neighbour, theirs, ours, pods } = await stage(world, subnet);
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      await answered(world, { neighbour, ours, theirs, pods }, red);
      await dies(world, red);
      await using _udp = await serve(blue, "udp", addressOf(await addWithPorts(world, pods, blue, WEB)), 80);
      expect(await askFrom(4444, neighbour.place, ours)).toBe(`blue saw ${theirs}`);
    },
  );

  const goes: [string, (world: World, pods: Network, red: Pod) => Promise<unknown>][] = [
    ...DEL_WAYS.map(([way, remove]): (typeof goes)[0] => [`DEL ${way}`, remove]),
    ["GC", async (world, pods) => mustSucceed(await collect(world, pods, []))],
    [
      "GC without a record",
      async (world, pods) => {
        await world.host.must("rm -r /var/lib/cni/pontoon");
        return mustSucceed(await collect(world, pods, []));
      },
    ],
  ];
  for (const [way, remove] of goes) {
    scene(
      `${family}: ${way} takes out the flow that the pod's host port has led to it, and no other`,
      async (world) => {
        const { neighbour, theirs, ours, pods } = await stage(world, subnet);
        const red = await world.pod("red");
        const others = await otherFlow(world, neighbour, pods, subnet);
        await answered(world, { neighbour, ours, theirs, pods }, red);
        expect(await flows(world, ours)).toHaveLength(1);
        await remove(world, pods, red);
        expect(await flows(world, ours)).toEqual([]);
        expect(await flows(world, theirs)).toEqual(others);
      },
    );
  }
}

interface Stage {
  neighbour: Neighbour;
  /** The addresses of the neighbour and of the host on the wire. */
  theirs: string;
  ours: string;
  pods: Network;
}

/** A host that has had a pod of the network, and a neighbour that has it as its way out. */
async function stage(world: World, subnet: string): Promise<Stage> {
  const neighbour = await addNeighbour(world);
  const { theirs, ours } = wireOf(neighbour, subnet);
  await neighbour.place.must(`ip route add default via ${ours}`);
  const pods = portNetwork(world, "pods", { subnets: [subnet] });
  await warmUp(world, pods);
  return { neighbour, theirs, ours, pods };
}

/** A flow to the same port elsewhere: of a pod to the neighbour. */
async function otherFlow(
  world: World,
  neighbour: Neighbour,
  pods: Network,
  subnet: string,
): Promise<string[]> {
  const { theirs, ours } = wireOf(neighbour, subnet);
  const white = await world.pod("white");
  await add(world, pods, white);
  await using _theirs = await serve(neighbour.place, "udp", theirs, 8080);
  expect(await askFrom(4443, white, theirs)).toBe(`neighbour saw ${ours}`);
  const others = await flows(world, theirs);
  expect(others).toHaveLength(1);
  return others;
}

/** Attaches a pod that answers the neighbour at its host port. */
async function answered(world: World, { neighbour, ours, theirs, pods }: Stage, pod: Pod): Promise<void> {
  await using _udp = await serve(pod, "udp", addressOf(await addWithPorts(world, pods, pod, WEB)), 80);
  expect(await askFrom(4444, neighbour.place, ours)).toBe(`${pod.name} saw ${theirs}`);
}

/** What is said to a datagram from a port of one's own choice to port 8080. */
async function askFrom(port: number, from: Place, address: string): Promise<string | undefined> {
  const { stdout } = await from.exec(`nc -n -u -w 1 -W 1 -p ${port} ${address} 8080`, { stdin: "hello" });
  return stdout === "" ? undefined : stdout.trim();
}

/**
 * The UDP flows that were sent to port 8080 of an address, as the kernel tells of them, without what changes
 * by itself.
 */
async function flows(world: World, address: string): Promise<string[]> {
  const lines = (await world.host.must("cat /proc/net/nf_conntrack")).split("\n");
  const sent = new RegExp(`^[^=]*src=\\S+ dst=${RegExp.escape(inFull(address))} sport=\\d+ dport=8080 `);
  return lines
    .filter((line) => line.includes(" udp ") && sent.test(line))
    .map((line) => line.replace(/udp\s+17 \d+/, "udp"));
}

/** An IPv6 address with all of its digits, as the kernel writes it here. */
function inFull(address: string): string {
  const [head = "", tail] = address.split("::");
  if (tail === undefined) return address;
  const [before, after] = [head, tail].map((part) => part.split(":").filter(Boolean));
  const zeros = Array<string>(8 - before!.length - after!.length).fill("0");
  return [...before!, ...zeros, ...after!].map((group) => group.padStart(4, "0")).join(":");
}
