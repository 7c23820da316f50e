// The runtime that most nodes have: containerd starts pods through CRI, and Pontoon gives them their network
// with the conflist that is shipped. The container ids, namespaces, arguments and port mappings are
// containerd's own.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { BIN_FOLDER, installed, SHIPPED } from "../support/install.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { REPOSITORY } from "../support/tool.ts";
import { CONFIG_FOLDER, type World } from "../support/world.ts";
import { type Containerd, type RuntimePod, startContainerd } from "./containerd.ts";

const LIMIT_MS = 120_000;

scene(
  "containerd's pods get addresses, and reach each other, the gateway and the neighbour host",
  async (world) => {
    const neighbour = await addNeighbour(world);
    await using containerd = await startWithShippedConflist(world);
    const red = await containerd.runPod("red");
    const blue = await containerd.runPod("blue");

    const [blueAddress = ""] = await blue.addresses();
    expect(await red.exec("ip -4 address show dev eth0")).toContain(`${(await red.addresses())[0]}/`);
    expect(await red.addresses()).not.toContain(blueAddress);
    await red.exec(`ping -c 1 -W 3 ${blueAddress}`);
    await red.exec(`ping -c 1 -W 3 ${await gatewayOf(red)}`);
    await red.exec(`ping -c 1 -W 3 ${neighbour.v4}`);
    await serve(blue, 8080, "blue is here");
    expect(await red.exec(connect(blueAddress, 8080))).toBe("blue is here");
  },
  LIMIT_MS,
);

scene(
  "a pod's host port leads a neighbour to it, and its limits of bandwidth are those of its annotations",
  async (world) => {
    const neighbour = await addNeighbour(world);
    await using containerd = await startWithShippedConflist(world);
    const web = await containerd.runPod("web", {
      portMappings: [{ host_port: 8088, container_port: 80, protocol: "TCP" }],
      annotations: { "kubernetes.io/ingress-bandwidth": "10M", "kubernetes.io/egress-bandwidth": "20M" },
    });
    const buckets = await world.host.must("tc qdisc show");
    expect(buckets).toMatch(/tbf .* dev veth\S+ root .* rate 10Mbit /);
    expect(buckets).toMatch(/tbf .* dev pifb\S+ root .* rate 20Mbit /);

    await serve(web, 80, "web is here");
    const answer = await neighbour.place.must(["busybox", "sh", "-c", connect(neighbour.host4, 8088)]);
    expect(answer.trim()).toBe("web is here");
  },
  LIMIT_MS,
);

scene(
  "after containerd has removed its pods, nothing of them is left",
  async (world) => {
    await using containerd = await startWithShippedConflist(world);
    // What belongs to the node stays after the first pod: the bridge and the table, both without anything of
    // a pod.
    await (await containerd.runPod("first")).remove();
    const before = await snapshot(world);

    const pods = [await containerd.runPod("red"), await containerd.runPod("blue")];
    expect((await snapshot(world)).minus(before).lines).not.toEqual([]);
    for (const pod of pods) await pod.remove();

    const after = await snapshot(world);
    expect(after.minus(before).lines).toEqual([]);
    expect(after.attachments.lines).toEqual([]);
    expect(await containerd.cri("pods")).toBe("");
  },
  LIMIT_MS,
);

scene(
  "what pontoon install makes is all that containerd needs: the pod's lo is up, and the pod is reached",
  async (world) => {
    await world.host.must(["mkdir", "-p", BIN_FOLDER]);
    await installed(world, ["--conf", SHIPPED, "--conf-dir", CONFIG_FOLDER]);
    expect(readdirSync(world.outside(BIN_FOLDER)).sort()).toEqual(["loopback", "pontoon"]);
    await using containerd = await startContainerd(world, BIN_FOLDER);
    const red = await containerd.runPod("red");
    expect(await red.exec("ip address show dev lo")).toMatch(
      /<LOOPBACK,UP,LOWER_UP>[^]* inet 127\.0\.0\.1\/8 [^]* inet6 ::1\/128 /,
    );
    await red.exec("ping -c 1 -W 3 127.0.0.1");
    const [address = ""] = await red.addresses();
    await world.host.must(`ping -c 1 -W 3 ${address}`);
    await red.remove();
    expect((await snapshot(world)).attachments.lines).toEqual([]);
  },
  LIMIT_MS,
);

async function startWithShippedConflist(world: World): Promise<Containerd> {
  const name = "10-pontoon.conflist";
  world.write(`${CONFIG_FOLDER}/${name}`, readFileSync(join(REPOSITORY, "cni-conf", name), "utf8"));
  return startContainerd(world);
}

async function gatewayOf(pod: RuntimePod): Promise<string> {
  const routes = await pod.exec("ip -4 route show");
  const gateway = /^default via (\S+)/m.exec(routes)?.[1];
  if (gateway === undefined) throw new Error(`The pod ${pod.name} has no default route:\n${routes}`);
  return gateway;
}

/** Answers one connection with a sentence. */
async function serve(pod: RuntimePod, port: number, sentence: string): Promise<void> {
  await pod.exec(`echo ${sentence} | nc -l -p ${port} > /tmp/heard 2>&1 &`);
}

/** Reads what a server says; asks again until it listens. */
function connect(address: string, port: number): string {
  return `for attempt in 1 2 3 4 5 6 7 8 9 10; do nc -w 2 ${address} ${port} < /dev/null && exit 0; sleep 0.2; done; exit 1`;
}
