// A scene played with the chain or with our entry on a fresh node: what was reached, limited, set and left,
// as facts.
import { addBelow, type Facts, flatten } from "../differential/facts.ts";
import type { Plugin } from "../differential/row.ts";
import { bucketOf, ifbsOf } from "../support/bandwidth.ts";
import { add, type CniResult, cnitool, del } from "../support/cni.ts";
import { hostLinkOf } from "../support/link.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { snapshot } from "../support/snapshot.ts";
import { waitFor } from "../support/wait.ts";
import { openWorld, type Pod, type World } from "../support/world.ts";
import { addChain, installNetwork, WISHES } from "./network.ts";
import type { ChainScene } from "./scene.ts";
import { talkFacts } from "./talk.ts";

export interface Played {
  facts: Facts;
  /** The calls, for a person who wants to know why. */
  diary: string[];
}

export async function play(scene: ChainScene, plugin: Plugin): Promise<Played> {
  await using world = await openWorld();
  if (plugin === "reference") addChain(world);
  for (const name of ["iptables", "ip6tables"])
    await world.host.must([
      "sh",
      "-c",
      `echo ${scene.bridgeFilter ?? 1} > /proc/sys/net/bridge/bridge-nf-call-${name}`,
    ]);
  if (scene.node !== undefined) await world.host.must(["sh", "-ec", scene.node]);
  const neighbour = await addNeighbour(world);
  await neighbour.place.must(`ip route add default via ${neighbour.host4}`);
  await neighbour.place.must(`ip route add default via ${neighbour.host6}`);
  const [pods, others] = [
    installNetwork(world, plugin, scene, "pods"),
    installNetwork(world, plugin, scene, "others"),
  ];
  const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
  // Those that stay, and one that was there: what networks share is made.
  await add(world, pods, blue);
  await add(world, others, green);
  await add(world, pods, red, WISHES);
  await del(world, pods, red, WISHES);
  const before = await snapshot(world);

  const result = await add(world, pods, red, WISHES);
  const facts: Facts = new Map();
  addBelow("result", resultFacts(result), facts);
  addBelow("limit", await limitFacts(world, red), facts);
  facts.set(
    "sysctl",
    await red.must("cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/ip_local_port_range"),
  );
  await settled(world);
  await talkFacts({ world, neighbour, red, blue, green, result }, facts);
  facts.set("CHECK", (await cnitool(world, "check", "pods", red, WISHES)).status === 0 ? "done" : "refused");
  await del(world, pods, red, WISHES);
  facts.set("left after DEL", (await snapshot(world)).minus(before).lines.join("; ") || "nothing");
  return { facts, diary: world.diary };
}

/** Addresses, routes and dns, and of the interfaces where each is. */
function resultFacts({ interfaces = [], cniVersion: _, ...rest }: CniResult): Facts {
  const facts: Facts = new Map();
  flatten(rest, "keys", facts);
  facts.set(
    "interfaces",
    interfaces
      .map(
        ({ name, sandbox }) =>
          `${name === "pods0" || name === "eth0" ? name : name.startsWith("veth") ? "the veth" : "the ifb"} ${sandbox ? "in the pod" : "on the node"}`,
      )
      .join(", "),
  );
  return facts;
}

/** What `tc` says of the limits to the pod, at the host's end, and from it, at the ifb. */
async function limitFacts({ host }: World, red: Pod): Promise<Facts> {
  const [ifb = "none"] = await ifbsOf(host);
  const facts: Facts = new Map();
  flatten(await bucketOf(host, await hostLinkOf({ host } as World, red)), "to the pod", facts);
  flatten(await bucketOf(host, ifb), "from the pod", facts);
  return facts;
}

/**
 * The node's own addresses answer: the chain's gateway is checked for duplicates when its ADD has returned.
 */
async function settled({ host }: World): Promise<void> {
  await waitFor(
    "no address is tentative",
    async () => (await host.must("ip -6 address show tentative")) === "",
    10_000,
  );
}
