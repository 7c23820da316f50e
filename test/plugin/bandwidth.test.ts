// Bandwidth: what a pod sends and receives keeps to its rate, and nothing of it is left.
import { dirname } from "node:path";
import { expect } from "vitest";
import { bucketOf, ifbsOf, redirectsOf, wireRate } from "../support/bandwidth.ts";
import {
  add,
  addDirectly,
  addressesOf,
  type CniResult,
  check,
  del,
  mustFail,
  mustSucceed,
  plugin,
  pluginEnvironment,
} from "../support/cni.ts";
import { failAt } from "../support/hurt.ts";
import { hostLinkOf, linkOf } from "../support/link.ts";
import { install, type NetworkWishes, network, pluginInput } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { atEveryMoment } from "../support/strace.ts";
import { toolPath } from "../support/tool.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const RATE = 20_000_000;
const LEAST = RATE * 0.85;
const isRight = (rate: number) => rate > LEAST && rate < RATE * 1.15;
const DUAL = ["10.1.0.0/24", "fd01::/64"];
/** What runtimes send for a burst that nobody asked for: kubelet, containerd, CRI-O. */
const NO_BURSTS = [2147483647, 4294967295, 34359738359];

for (const egressInPod of [false, true]) {
  scene(
    `traffic keeps to its rate in both directions, v4 and v6, ${egressInPod ? "with egressInPod" : "by an ifb"}`,
    async (world) => {
      const { red, result } = await limited(world, {
        subnets: DUAL,
        ingressRate: RATE,
        egressRate: RATE,
        egressInPod,
      });
      for (const [at, address] of addressesOf(result).entries()) {
        const gateway = result.ips![at]!.gateway!;
        // One after the other: acknowledgements of one way would take their part of the other.
        expect(await wireRate(world.host, red, address, 7001, LEAST), address).toSatisfy(isRight);
        expect(await wireRate(red, world.host, gateway, 7002, LEAST), gateway).toSatisfy(isRight);
      }
    },
    120_000,
  );
}

scene(
  "a burst that nobody asked for does not undo the rate: kubelet's keeps to it by traffic",
  async (world) => {
    const { red, result } = await limited(
      world,
      {},
      { ingressRate: RATE, ingressBurst: NO_BURSTS[0], egressRate: RATE, egressBurst: NO_BURSTS[0] },
    );
    const [address] = addressesOf(result);
    expect(await wireRate(world.host, red, address!, 7001, LEAST)).toSatisfy(isRight);
    expect(await wireRate(red, world.host, "10.1.0.1", 7002, LEAST)).toSatisfy(isRight);
  },
  60_000,
);

scene(
  "the rate is on both ways of the pod, and what it sends is led through an ifb, which the result names last",
  async (world) => {
    const { red, result, host, ifb } = await limited(world, { ingressRate: RATE, egressRate: 2 * RATE });
    expect(result.interfaces!.map(({ name }) => name)).toEqual(["pods0", host, "eth0", ifb]);
    expect(result.interfaces![3]).toMatchObject({ mac: (await linkOf(world.host, ifb!)).address, mtu: 1500 });
    expect(result.interfaces![3]!.sandbox).toBeUndefined();
    expect(result.ips![0]!.interface).toBe(2);
    expect(ifb).toMatch(/^pifb[0-9a-f]{11}$/);
    expect(await bucketOf(world.host, host)).toEqual({ rate: RATE, burst: 25_000, latencyUs: 25_000 });
    expect(await bucketOf(world.host, ifb!)).toEqual({ rate: 2 * RATE, burst: 50_000, latencyUs: 25_000 });
    expect(await redirectsOf(world.host, host)).toEqual([ifb]);
    expect(await linkOf(world.host, ifb!)).toMatchObject({
      ifalias: (await linkOf(world.host, host)).ifalias,
      num_tx_queues: 1,
    });
    expect(await world.host.must(`ip -j address show ${ifb}`)).not.toContain("inet6");
    expect(await bucketOf(red, "eth0")).toBeUndefined();
  },
);

scene("with egressInPod there is no ifb, and the pod's own end has the rate", async (world) => {
  const { red, result, host } = await limited(world, {
    ingressRate: RATE,
    egressRate: RATE,
    egressInPod: true,
  });
  expect(await ifbsOf(world.host)).toEqual([]);
  expect(result.interfaces).toHaveLength(3);
  expect(await bucketOf(red, "eth0")).toMatchObject({ rate: RATE });
  expect(await bucketOf(world.host, host)).toMatchObject({ rate: RATE });
  expect(await redirectsOf(world.host, host)).toEqual([]);
});

scene("one direction alone is limited where one alone is asked for; a rate of 0 is none", async (world) => {
  const receiving = await limited(world, { ingressRate: RATE, egressRate: 0 });
  expect(await bucketOf(world.host, receiving.host)).toMatchObject({ rate: RATE });
  expect(await ifbsOf(world.host)).toEqual([]);
  const sending = await limited(world, { egressRate: RATE }, undefined, "blue");
  expect(await bucketOf(world.host, sending.host)).toBeUndefined();
  expect(await bucketOf(world.host, sending.ifb!)).toMatchObject({ rate: RATE });
});

scene(
  "bursts that runtimes make up give the same rates from 100 kbit/s to 10 Gbit/s, without a wrap, and the log says so",
  async (world) => {
    for (const burst of NO_BURSTS) {
      for (const rate of [100_000, 1_000_000, 7_800_000, 1_000_000_000, 10_000_000_000]) {
        const { pods, red, host, ifb, log } = await limited(
          world,
          {},
          { IngressRate: rate, IngressBurst: burst, EgressRate: rate, EgressBurst: burst },
          `p${rate}`,
        );
        const usual = Math.min(1_250_000, Math.max(16_000, rate / 800));
        const isKept = burst <= rate;
        for (const name of [host, ifb!]) {
          const bucket = await bucketOf(world.host, name);
          expect(bucket!.rate, `${burst} at ${rate}`).toBe(rate);
          // The kernel counts in units of 64 ns.
          expect(
            Math.abs(bucket!.burst / (isKept ? Math.ceil(burst / 8) : usual) - 1),
            `${burst} at ${rate}`,
          ).toBeLessThan(0.01);
          expect(bucket!.latencyUs, `${burst} at ${rate}`).toBeLessThan(100_100);
        }
        expect(log.split("\n").filter((line) => line !== "")).toEqual(
          isKept
            ? []
            : ["ingress", "egress"].map(
                (direction) =>
                  `pontoon: ${direction}Burst ${burst} with ${direction}Rate ${rate}: ${usual * 8} bits are used, because it is more than a second of the rate`,
              ),
        );
        mustSucceed(await plugin(world, "DEL", { network: pods, pod: red }));
      }
    }
  },
  90_000,
);

scene(
  "the reference, at the same place, wraps: kubelet's burst at 100 kbit/s makes an hour of queue",
  async (world) => {
    const pods = network("theirs", { type: "bridge" });
    const limits = {
      type: "bandwidth",
      ingressRate: 100_000,
      ingressBurst: NO_BURSTS[0],
      egressRate: 100_000,
      egressBurst: NO_BURSTS[0],
    };
    const red = await world.pod("red");
    install(world, { ...pods, plugins: [...pods.plugins, limits] as unknown as typeof pods.plugins });
    await add(world, pods, red, { CNI_PATH: dirname(toolPath("bandwidth")) });
    const bucket = await bucketOf(world.host, await hostLinkOf(world, red));
    expect(bucket!.burst).toBeLessThan(NO_BURSTS[0]! / 8 / 10);
    expect(bucket!.latencyUs).toBeGreaterThan(1_000_000_000);
  },
);

scene(
  "a sane burst is taken as it is, one smaller than a packet becomes a packet, which then passes",
  async (world) => {
    const { host, log } = await limited(world, { ingressRate: RATE, ingressBurst: 800_000 });
    expect(await bucketOf(world.host, host)).toMatchObject({ burst: 100_000 });
    expect(log).toBe("");
    const small = await limited(world, { ingressRate: RATE, ingressBurst: 800 }, undefined, "blue");
    expect(small.log).toContain(
      "ingressBurst 800 with ingressRate 20000000: 12144 bits are used, because the largest packet needs more",
    );
    await world.host.must(`ping -n -c 1 -W 2 -s 1472 -M do ${addressesOf(small.result)[0]}`);
  },
);

scene("a rate for one pod counts before that of the network, in each direction for itself", async (world) => {
  const wishes = { ingressRate: RATE, ingressBurst: 800_000, egressRate: RATE };
  const { host, ifb } = await limited(world, wishes, { ingressRate: 2 * RATE, egressRate: 0 });
  // The rate of runtimeConfig brings its own burst along, here none.
  expect(await bucketOf(world.host, host)).toMatchObject({ rate: 2 * RATE, burst: 50_000 });
  expect(await bucketOf(world.host, ifb!)).toMatchObject({ rate: RATE });
});

scene("two interfaces of one container on one network are limited each for itself", async (world) => {
  const { pods, red } = await limited(world, {
    egressRate: RATE,
    ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] },
  });
  const call = { network: pods, pod: red, interfaceName: "net1" };
  await addDirectly(world, call);
  expect(await ifbsOf(world.host)).toHaveLength(2);
  mustSucceed(await plugin(world, "DEL", call));
  expect(await ifbsOf(world.host)).toHaveLength(1);
  expect(await check(world, pods, red)).toBeUndefined();
});

scene(
  "DEL takes veth and ifb away, with and without the namespace, a record or the keys in the configuration",
  async (world) => {
    const pods = install(world, network("pods", { ingressRate: RATE, egressRate: RATE }));
    const baseline = await warmUp(world, pods);
    const plain = network("pods");
    const harms: [string, (pod: Pod) => Promise<unknown>][] = [
      ["nothing is lost", async () => {}],
      ["the record is lost", () => world.host.must(["sh", "-c", "rm /var/lib/cni/pontoon/pods/*.json"])],
      ["the ifb went before", async () => world.host.must(`ip link delete ${(await ifbsOf(world.host))[0]}`)],
      ["the veth went before", async (pod) => pod.must("ip link delete eth0")],
    ];
    for (const [name, harm] of harms) {
      const pod = await world.pod("red");
      await addDirectly(world, { network: pods, pod });
      expect(await ifbsOf(world.host), name).toHaveLength(1);
      await harm(pod);
      mustSucceed(await plugin(world, "DEL", { network: plain, pod, netns: "" }));
      await world.removePod(pod);
      expect((await snapshot(world)).minus(baseline).lines, name).toEqual([]);
    }
  },
);

scene("a DEL touches no other links: not those in groups, nor the ifbs of others", async (world) => {
  const { pods, red } = await limited(world, { egressRate: RATE });
  const { host, ifb } = await limited(world, { egressRate: RATE }, undefined, "blue");
  await world.host.must("ip link add other type bridge");
  await world.host.must("ip link set other group 7");
  await world.host.must("ip link add ifb7 type ifb");
  await del(world, pods, red);
  for (const name of ["other", "ifb7", host, ifb!])
    expect((await linkOf(world.host, name)).ifname).toBe(name);
});

scene("an attachment of the reference chain is taken away whole, its ifb too", async (world) => {
  const pods = network("pods", { type: "bridge" });
  const limits = {
    type: "bandwidth",
    ingressRate: RATE,
    ingressBurst: RATE,
    egressRate: RATE,
    egressBurst: RATE,
  };
  const red = await world.pod("red");
  install(world, { ...pods, plugins: [...pods.plugins, limits] as unknown as typeof pods.plugins });
  const prevResult = await add(world, pods, red, { CNI_PATH: dirname(toolPath("bandwidth")) });
  expect(await ifbsOf(world.host)).toEqual([expect.stringMatching(/^bwp/)]);
  mustSucceed(
    await plugin(world, "DEL", {
      network: network("pods", { ...limits, type: "pontoon" }),
      pod: red,
      more: { prevResult },
    }),
  );
  expect(await ifbsOf(world.host)).toEqual([]);
  expect(await red.json("ip -j link show")).toHaveLength(1);
});

scene(
  "GC takes the ifbs of attachments that are not listed, with and without records, and leaves the others",
  async (world) => {
    const { pods, red, ifb } = await limited(world, { egressRate: RATE });
    const dead = await limited(world, { egressRate: RATE }, undefined, "blue");
    const lost = await limited(world, { egressRate: RATE }, undefined, "green");
    await world.host.must(`ip link delete ${lost.host}`);
    await world.host.must([
      "sh",
      "-c",
      `grep -l ${lost.red.containerId} /var/lib/cni/pontoon/pods/*.json | xargs rm`,
    ]);
    await world.host.must("ip link add foreign type ifb");
    await world.host.must(["ip", "link", "set", "foreign", "alias", "pontoon pods gone eth0"]);
    const valid = [{ containerID: red.containerId, ifname: "eth0" }];
    mustSucceed(await plugin(world, "GC", { network: pods, more: { "cni.dev/valid-attachments": valid } }));
    expect((await ifbsOf(world.host)).sort()).toEqual(["foreign", ifb!].sort());
    expect(dead.ifb).not.toBe(ifb);
    expect(await check(world, pods, red)).toBeUndefined();
  },
);

scene(
  "GC takes the reference's ifb of a container that is gone, and leaves those of containers that live and of other networks",
  async (world) => {
    const limits = {
      type: "bandwidth",
      ingressRate: RATE,
      ingressBurst: RATE,
      egressRate: RATE,
      egressBurst: RATE,
    };
    const added = async (name: string, subnet: string, ...pods: string[]): Promise<Pod[]> => {
      const plain = network(name, { type: "bridge", subnets: [subnet] });
      install(world, { ...plain, plugins: [...plain.plugins, limits] as unknown as typeof plain.plugins });
      const made = await Promise.all(pods.map((pod) => world.pod(pod)));
      for (const pod of made) await add(world, plain, pod, { CNI_PATH: dirname(toolPath("bandwidth")) });
      return made;
    };
    const [red, blue] = await added("pods", "10.1.0.0/24", "red", "blue");
    await added("others", "10.2.0.0/24", "green");
    const before = await ifbsOf(world.host);
    await world.removePod(red!);
    // Blue had a second interface, which is gone; the ifb is the container's.
    world.write("/var/lib/cni/networks/pods/10.1.0.99", `${blue!.containerId}\r\nnet1`);
    const valid = [{ containerID: blue!.containerId, ifname: "eth0" }];
    mustSucceed(
      await plugin(world, "GC", { network: network("pods"), more: { "cni.dev/valid-attachments": valid } }),
    );
    const after = await ifbsOf(world.host);
    expect(before.filter((name) => !after.includes(name))).toHaveLength(1);
    mustSucceed(
      await plugin(world, "GC", { network: network("pods"), more: { "cni.dev/valid-attachments": [] } }),
    );
    expect(await ifbsOf(world.host)).toHaveLength(1);
  },
);

scene("CHECK compares both rates with what the kernel has", async (world) => {
  const { pods, red, host, ifb } = await limited(world, { ingressRate: RATE, egressRate: RATE });
  const harms: [string, string][] = [
    [
      `tc qdisc replace dev ${host} root tbf rate 5mbit burst 20kb latency 25ms`,
      "what eth0 receives is limited to 5000000 bit/s instead of 20000000",
    ],
    [`tc qdisc delete dev ${host} root`, "what eth0 receives is not limited"],
    [`tc qdisc delete dev ${ifb} root`, "what eth0 sends is not limited"],
    [`tc filter delete dev ${host} ingress`, `what eth0 sends is not led through the ifb ${ifb}`],
    [`tc qdisc delete dev ${host} ingress`, `what eth0 sends is not led through the ifb ${ifb}`],
    [`ip link set ${ifb} down`, `the ifb ${ifb}, which limits what eth0 sends, is down`],
    [`ip link delete ${ifb}`, `the ifb ${ifb}, which limits what eth0 sends, does not exist`],
  ];
  expect(await check(world, pods, red)).toBeUndefined();
  for (const [harm, sentence] of harms) {
    await world.host.must(harm);
    expect(await check(world, pods, red), harm).toContain(sentence);
    await del(world, pods, red);
    await add(world, pods, red);
    expect(await check(world, pods, red), harm).toBeUndefined();
  }
});

scene(
  "pontoon restore brings back limits that somebody took away on the node, and leaves whole ones alone",
  async (world) => {
    const { pods, red, host, ifb } = await limited(world, {
      ipMasq: false,
      ingressRate: RATE,
      egressRate: RATE,
    });
    await limited(
      world,
      { ipMasq: false, ingressRate: RATE, egressRate: RATE, egressInPod: true },
      undefined,
      "blue",
    );
    const restored = async () =>
      mustSucceed(await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`)).stdout;
    expect(await restored()).toBe("pods: 2 attachments, nothing to do\n");
    for (const harm of [
      `tc qdisc replace dev ${host} root tbf rate 5mbit burst 20kb latency 25ms`,
      `tc qdisc delete dev ${host} root`,
      `tc qdisc delete dev ${ifb} root`,
      `tc filter delete dev ${host} ingress`,
      `tc qdisc delete dev ${host} ingress`,
      `ip link set ${ifb} down`,
      `ip link delete ${ifb}`,
      `ip link add elsewhere type bridge; tc filter delete dev ${host} ingress; tc filter add dev ${host} ingress u32 match u32 0 0 action mirred egress redirect dev elsewhere`,
    ]) {
      await world.host.must(["sh", "-e", "-c", harm]);
      expect(await restored(), harm).toBe("pods: 2 attachments, 1 rule put back\n");
      expect(await check(world, pods, red), harm).toBeUndefined();
      expect(await redirectsOf(world.host, host), harm).toEqual([ifb]);
    }
    expect(await linkOf(world.host, ifb!)).toMatchObject({
      ifalias: (await linkOf(world.host, host)).ifalias,
    });
    await del(world, pods, red);
    expect(await ifbsOf(world.host)).toEqual([]);
  },
);

scene("CHECK looks at the pod's own end with egressInPod", async (world) => {
  const { pods, red } = await limited(world, { egressRate: RATE, egressInPod: true });
  expect(await check(world, pods, red)).toBeUndefined();
  await red.must("tc qdisc delete dev eth0 root");
  expect(await check(world, pods, red)).toContain("what eth0 sends is not limited");
});

scene(
  "where the kernel makes no ifb, ADD says which modules help, and nothing is left",
  async (world) => {
    const pods = install(world, network("pods", { ipMasq: false, ingressRate: RATE, egressRate: RATE }));
    const baseline = await warmUp(world, pods);
    const red = await world.pod("red");
    const before = await snapshot(world);
    const failures: string[] = [];
    await atEveryMoment(
      async (moment) => {
        const { outcome, wasHurt } = await failAt(
          world,
          "ADD",
          { network: pods, pod: red },
          moment,
          "EOPNOTSUPP",
        );
        if (outcome.status === 0) mustSucceed(await plugin(world, "DEL", { network: pods, pod: red }));
        else if (mustFail(outcome).code === 124) failures.push(mustFail(outcome).details ?? "");
        expect((await snapshot(world)).minus(before).lines, `sendto ${moment.count}`).toEqual([]);
        return wasHurt;
      },
      ["sendto"],
    );
    expect(baseline).not.toEqual([]);
    expect(failures.length).toBeGreaterThan(2);
    for (const text of failures)
      expect(text).toContain("Load the kernel modules sch_tbf, ifb, sch_ingress, cls_u32 and act_mirred");
  },
  60_000,
);

interface Limited {
  pods: ReturnType<typeof network>;
  red: Pod;
  result: CniResult;
  host: string;
  ifb: string | undefined;
  /** What the plugin said on stderr. */
  log: string;
}

/** A pod of network "pods" with limits in its entry and in runtimeConfig. */
async function limited(
  world: World,
  wishes: NetworkWishes,
  bandwidth?: Record<string, unknown>,
  name = "red",
): Promise<Limited> {
  const pods = install(world, network("pods", wishes));
  const red = world.pods.find((pod) => pod.name === name) ?? (await world.pod(name));
  const outcome = await world.host.exec(["/run/world/bin/pontoon"], {
    env: pluginEnvironment("ADD", { network: pods, pod: red }),
    stdin: pluginInput(pods, bandwidth && { runtimeConfig: { bandwidth } }),
  });
  const { stdout, stderr } = mustSucceed(outcome);
  const result = JSON.parse(stdout) as CniResult;
  // What cnitool would have kept for CHECK and DEL.
  world.write(
    `/var/lib/cni/results/pods-${red.containerId}-eth0`,
    JSON.stringify({
      kind: "cniCacheV1",
      containerId: red.containerId,
      ifName: "eth0",
      networkName: "pods",
      result,
    }),
  );
  return {
    pods,
    red,
    result,
    host: await hostLinkOf(world, red),
    ifb: result.interfaces?.[3]?.name,
    log: stderr,
  };
}
