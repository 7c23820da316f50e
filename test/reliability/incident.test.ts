// What people reported of runtimes and CNI plugins: leaks, pods that stay in ContainerCreating, one address
// for two, no route. Each report is played as a test, with its number in the name.
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import {
  add,
  addDirectly,
  addressesOf,
  addressOf,
  type CniResult,
  check,
  del,
  mustFail,
  mustSucceed,
  plugin,
} from "../support/cni.ts";
import { listed } from "../support/collection.ts";
import { holdAt } from "../support/held.ts";
import { dies, linkOf } from "../support/link.ts";
import { install, type Network, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import { openWorld, type World } from "../support/world.ts";

const LEASES = "/var/lib/cni/networks/pods";

scene(
  "containernetworking/plugins#29: no address is left, and the refused pod leaves no veth",
  async (world) => {
    const pods = install(world, withAddresses(1));
    await warmUp(world, pods);
    await add(world, pods, await world.pod("red"));
    const blue = await world.pod("blue");
    const before = await snapshot(world);
    expect(mustFail(await plugin(world, "ADD", { network: pods, pod: blue })).code).toBe(100);
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
  },
);

scene(
  "flannel-io/flannel#1381: the bridge keeps its MAC when pods come and go, and traffic goes on",
  async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    await add(world, pods, red);
    const { address } = await linkOf(world.host, "pods0");
    for (const name of ["one", "two", "three"]) {
      const pod = await world.pod(name);
      await add(world, pods, pod, { CNI_ARGS: "MAC=02:00:00:00:00:01" });
      expect((await linkOf(world.host, "pods0")).address).toBe(address);
      await del(world, pods, pod);
      expect((await linkOf(world.host, "pods0")).address).toBe(address);
      expect(await pings(red, "10.1.0.1")).toBe(true);
    }
  },
);

scene(
  "flannel-io/flannel#1013: docker0 has the network's subnet, and ADD says so and leaves nothing",
  async (world) => {
    await world.host.must("ip link add docker0 type bridge");
    await world.host.must("ip address add 10.1.0.1/24 dev docker0");
    await world.host.must("ip link set docker0 up");
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    const { msg, details } = mustFail(await plugin(world, "ADD", { network: pods, pod: red }));
    expect(`${msg} ${details}`).toContain("docker0");
    expect((await snapshot(world)).attachments.lines).toEqual([]);
  },
);

scene(
  "kubernetes/kubernetes#67183: a bridge without its address gets it from the next ADD",
  async (world) => {
    const pods = install(world, network("pods"));
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await add(world, pods, red);
    await world.host.must("ip address flush dev pods0");
    expect(await pings(red, "10.1.0.1")).toBe(false);
    await add(world, pods, blue);
    // The first pod has asked for the gateway in vain, and asks again after a second.
    for (const pod of [red, blue])
      await waitFor(`${pod.name} reaches the gateway`, () => pings(pod, "10.1.0.1"));
  },
);

scene("antrea-io/antrea#8239: a GC that does not know a pod yet frees nothing of it", async (world) => {
  const pods = install(world, network("pods"));
  await warmUp(world, pods);
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await using adding = await holdAt(
    world,
    "ADD",
    { network: pods, pod: red },
    { kind: "renameat2", count: 1 },
  );
  const more = { "cni.dev/valid-attachments": [] };
  mustSucceed(await plugin(world, "GC", { network: pods, more }));
  const theirs = addressOf(await add(world, pods, blue));
  const own = addressOf(JSON.parse(mustSucceed(await adding.goOn()).stdout) as CniResult);
  expect(own).not.toBe(theirs);
  expect((await snapshot(world)).leases.of(red).names).toEqual([own]);
  expect(await pings(red, "10.1.0.1")).toBe(true);
});

scene(
  "containers/podman#3759, #4526: after a reboot a container gets its fixed address again",
  async (world) => {
    const pods = fixed(install(world, network("pods")));
    const more = { runtimeConfig: { ips: ["10.1.0.20"] } };
    await addDirectly(world, { network: pods, pod: await world.pod("red"), containerId: "one", more });
    await using rebooted = await reboot(world);
    const call = { network: pods, pod: await rebooted.pod("red"), containerId: "one", more };
    expect(addressOf(await addDirectly(rebooted, call))).toBe("10.1.0.20");
  },
);

scene(
  "containers/podman#15708: the fixed address of a container that is gone is to be had",
  async (world) => {
    const pods = fixed(install(world, network("pods")));
    const more = { runtimeConfig: { ips: ["10.1.0.20"] } };
    const red = await world.pod("red");
    await addDirectly(world, { network: pods, pod: red, containerId: "one", more });
    await dies(world, red);
    const pod = await world.pod("blue");
    expect(addressOf(await addDirectly(world, { network: pods, pod, containerId: "two", more }))).toBe(
      "10.1.0.20",
    );
  },
);

scene(
  "k8snetworkplumbingwg/multus-cni#586: a DEL of what nobody knows succeeds, as often as it comes",
  async (world) => {
    const pods = install(world, network("pods"));
    await warmUp(world, pods);
    const before = await snapshot(world);
    for (const netns of ["/run/netns/none", ""])
      for (const _ of [1, 2])
        mustSucceed(await plugin(world, "DEL", { network: pods, netns, containerId: "one" }));
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
  },
);

scene(
  "kubernetes/kubernetes#43910: pods that a node starts again after its reboot share no address",
  async (world) => {
    const pods = install(world, network("pods"));
    const ids = ["a", "b", "c", "d"];
    for (const containerId of ids)
      await addDirectly(world, { network: pods, pod: await world.pod(containerId), containerId });
    await using rebooted = await reboot(world);
    const places = [];
    for (const containerId of [...ids, "e"])
      places.push({ network: pods, pod: await rebooted.pod(containerId), containerId });
    const results = await Promise.all(places.map((call) => addDirectly(rebooted, call)));
    expect(new Set(results.flatMap(addressesOf)).size).toBe(5);
    for (const { pod } of places) expect(await pings(pod, "10.1.0.1")).toBe(true);
  },
);

scene(
  "k3s-io/k3s#5885: leases removed by hand beside running pods, and nobody gets an address twice",
  async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    const own = addressOf(await add(world, pods, red));
    await world.host.must(`rm -rf ${LEASES}`);
    for (const name of ["one", "two"])
      expect(addressOf(await add(world, pods, await world.pod(name)))).not.toBe(own);
    expect([await pings(red, "10.1.0.1"), await check(world, pods, red)]).toEqual([true, undefined]);
  },
);

scene(
  "cloudnativelabs/kube-router#383: a container that fails to start again and again fills no pool",
  async (world) => {
    const pods = install(world, withAddresses(2));
    for (let attempt = 0; attempt < 6; attempt++) {
      const pod = await world.pod(`try-${attempt}`);
      await add(world, pods, pod);
      await dies(world, pod);
    }
    expect((await snapshot(world)).leases.count).toBeLessThanOrEqual(2);
    const last = await world.pod("last");
    await add(world, pods, last);
    mustSucceed(
      await plugin(world, "GC", { network: pods, more: { "cni.dev/valid-attachments": listed([last]) } }),
    );
    expect((await snapshot(world)).leases.count).toBe(1);
  },
);

scene(
  "kubernetes/kubernetes#39557, kubo-release#228: the bridge has the address of an earlier subnet: a clear refusal, or forceAddress",
  async (world) => {
    const pods = install(world, network("pods"));
    await warmUp(world, pods);
    const later = install(world, network("pods", { subnets: ["10.2.0.0/24"] }));
    const red = await world.pod("red");
    const before = await snapshot(world);
    const { code, details } = mustFail(await plugin(world, "ADD", { network: later, pod: red }));
    expect([code, details]).toEqual([111, expect.stringContaining("10.1.0.1/24")]);
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
    const forced = install(world, network("pods", { subnets: ["10.2.0.0/24"], forceAddress: true }));
    await add(world, forced, red);
    expect(await pings(red, "10.2.0.1")).toBe(true);
  },
);

function withAddresses(count: number): Network {
  const pods = network("pods");
  const rangeEnd = `10.1.0.${4 + count}`;
  pods.plugins[0].ipam!.ranges = [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd }]];
  return pods;
}

/** The network, with the capability by which a runtime asks for addresses. */
function fixed(pods: Network): Network {
  pods.plugins[0]["capabilities"] = { ips: true };
  return pods;
}

/** A host with the disk of another one, in another boot. */
async function reboot(world: World): Promise<World> {
  const next = await openWorld();
  await next.host.must(["cp", "-a", `${world.outside("/var/lib/cni")}/.`, "/var/lib/cni"]);
  next.write("/run/world/boot_id", `${randomUUID()}\n`);
  await next.host.must("mount --bind /run/world/boot_id /proc/sys/kernel/random/boot_id");
  return next;
}
