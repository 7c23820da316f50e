// Reachable at once: nobody waits for an old neighbour entry to die or for an address to be tested, on a
// crowded bridge neither. Judged by the first ping that is answered, of pings 10 ms apart, started when ADD
// has returned.
import { expect } from "vitest";
import { ANNOUNCEMENT, crowd, OTHER_MAC, tuned, twoAddresses } from "../support/announcement.ts";
import { capture } from "../support/capture.ts";
import {
  add,
  addressesOf,
  addressOf,
  type CniResult,
  del,
  mustFail,
  mustSucceed,
  plugin,
} from "../support/cni.ts";
import { holdAtOrEnd } from "../support/held.ts";
import { dieAt } from "../support/hurt.ts";
import { addPlugins } from "../support/ipam.ts";
import { linkOf } from "../support/link.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { FAMILIES, install, type Network, network } from "../support/network.ts";
import { installReference } from "../support/reference.ts";
import { scene } from "../support/scene.ts";
import { snapshotOfFiles } from "../support/snapshot.ts";
import { atEveryMoment } from "../support/strace.ts";
import { firstAnswer, pings } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

const TWO = {
  IPv4: { subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.6" },
  IPv6: { subnet: "fd01::/64", rangeStart: "fd01::5", rangeEnd: "fd01::6" },
};

/** The MAC that follows one of them. */
const followingMac = (address: string): string => `0a:58:0a:01:00:0${address.at(-1)}`;

/** The pod's MAC, of which the host and the peer learn now. Both reached it at once. */
async function meet(world: World, peer: Pod, pod: Pod, address: string): Promise<string> {
  for (const answer of await Promise.all([firstAnswer(world.host, address), firstAnswer(peer, address)]))
    expect(answer, `${pod.name} answers ping`).toBeLessThanOrEqual(2);
  expect([await pings(world.host, address), await pings(peer, address)]).toEqual([true, true]);
  return (await linkOf(pod, "eth0")).address;
}

for (const size of ["crowded", "quiet"] as const)
  scene(
    `IPv4: a reused address on a ${size} bridge has the MAC that its neighbours know and is reached at once; it is announced where that costs little`,
    async (world) => {
      const pods = install(world, twoAddresses(TWO.IPv4));
      const [peer, ...others] = [
        await world.pod("peer"),
        await world.pod("red"),
        await world.pod("blue"),
        await world.pod("green"),
      ];
      await add(world, pods, peer);
      if (size === "crowded") await crowd(world, "pods0");
      const arp = await capture(peer, "eth0", "arp");
      for (const pod of others) {
        const address = addressOf(await add(world, pods, pod));
        expect(address).toBe("10.1.0.6");
        expect(await meet(world, peer, pod, address)).toBe("0a:58:0a:01:00:06");
        await del(world, pods, pod);
      }
      expect(arp.output).toContain("who-has 10.1.0.6");
      expect(ANNOUNCEMENT.test(arp.output)).toBe(size === "quiet");
    },
  );

scene(
  "IPv6: a reused address with a new MAC is reached at once by the host and by a pod that knew the old one",
  async (world) => {
    const pods = install(world, twoAddresses(TWO.IPv6));
    const [peer, ...others] = [
      await world.pod("peer"),
      await world.pod("red"),
      await world.pod("blue"),
      await world.pod("green"),
    ];
    await add(world, pods, peer);
    const macs: string[] = [];
    for (const pod of others) {
      const address = addressOf(await add(world, pods, pod));
      expect(address).toBe("fd01::6");
      macs.push(await meet(world, peer, pod, address));
      await del(world, pods, pod);
    }
    expect(new Set(macs).size).toBe(macs.length);
  },
);

/**
 * How an address of a bridge gets another MAC than the one that follows it. `before` is done before the peer
 * is there.
 */
interface Way {
  before?: (world: World, pods: Network, pod: Pod) => Promise<void>;
  /** Adds the first owner of the address. */
  first: (world: World, pods: Network, pod: Pod) => Promise<CniResult>;
  /** The runtime takes its namespace away before DEL. */
  vanishes?: boolean;
}

const asked = (pods: Network, mac: string): Network => ({ ...pods, plugins: [{ ...pods.plugins[0], mac }] });

const WAYS: Record<string, Way> = {
  "asked for another one": {
    first: (world, pods, pod) => add(world, install(world, asked(pods, OTHER_MAC)), pod),
  },
  "got another one by a plugin behind us": {
    before: async (world) => addPlugins(world, "tuning"),
    first: (world, pods, pod) => add(world, install(world, tuned(pods)), pod),
    // Else tuning gives it back the MAC that it had, and the kernel tells everybody.
    vanishes: true,
  },
  "was made by the reference plugin": {
    first: (world, pods, pod) => add(world, installReference(world, pods), pod),
  },
  "is on a bridge of the reference plugin": {
    before: async (world, pods, pod) => {
      await add(world, installReference(world, pods), pod);
      await del(world, pods, pod);
    },
    first: (world, pods, pod) => add(world, installReference(world, pods), pod),
  },
};

for (const [way, { before, first, vanishes }] of Object.entries(WAYS)) {
  scene(
    `IPv4: when the owner before ${way}, the next one is reached at once by the host and by a pod that knew that MAC`,
    async (world) => {
      const pods = twoAddresses(TWO.IPv4);
      const [peer, early] = [await world.pod("peer"), await world.pod("early")];
      await before?.(world, pods, early);
      const known = addressOf(await add(world, install(world, pods), peer));
      await crowd(world, "pods0");
      for (const round of [1, 2]) {
        const [red, next] = [await world.pod(`red-${round}`), await world.pod(`next-${round}`)];
        const address = addressOf(await first(world, pods, red));
        // The reference plugin's pods are known when they talk first, and not before.
        expect([await pings(red, "10.1.0.1"), await pings(red, known)]).toEqual([true, true]);
        expect(await meet(world, peer, red, address)).not.toBe(followingMac(address));
        if (vanishes === true) await world.removePod(red);
        await del(world, pods, red);
        expect(addressOf(await add(world, install(world, pods), next))).toBe(address);
        expect(await meet(world, peer, next, address)).toBe(followingMac(address));
        await del(world, pods, next);
      }
    },
    60_000,
  );
}

scene(
  "IPv4: a pod with two interfaces on one bridge answers for both addresses by either MAC; the next owners are reached at once all the same",
  async (world) => {
    const pods = install(
      world,
      twoAddresses({ subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.7" }),
    );
    const [peer, red, blue, green] = [
      await world.pod("peer"),
      await world.pod("red"),
      await world.pod("blue"),
      await world.pod("green"),
    ];
    await add(world, pods, peer);
    await crowd(world, "pods0");
    const both = [
      addressOf(await add(world, pods, red)),
      addressOf(await add(world, pods, red, { CNI_IFNAME: "net1" })),
    ];
    for (const address of both)
      expect([await pings(world.host, address), await pings(peer, address)]).toEqual([true, true]);
    await del(world, pods, red);
    const address = addressOf(await add(world, pods, blue));
    expect(address).toBe(both[0]);
    await meet(world, peer, blue, address);
    await del(world, pods, red, { CNI_IFNAME: "net1" });
    await meet(world, peer, green, addressOf(await add(world, pods, green)));
  },
);

for (const end of ["GC", "a DEL whose runtime remembers nothing"] as const) {
  scene(
    `IPv4: a pod that got another MAC by a plugin behind us and went by ${end}: the next owner of its address is reached at once`,
    async (world) => {
      addPlugins(world, "tuning");
      const pods = twoAddresses(TWO.IPv4);
      const [peer, red, blue] = [await world.pod("peer"), await world.pod("red"), await world.pod("blue")];
      await add(world, install(world, pods), peer);
      await crowd(world, "pods0");
      const address = addressOf(await add(world, install(world, tuned(pods)), red));
      expect(await meet(world, peer, red, address)).toBe(OTHER_MAC);
      const call = { network: pods, containerId: red.containerId, netns: "" };
      await world.removePod(red);
      if (end === "GC")
        mustSucceed(
          await plugin(world, "GC", {
            network: pods,
            more: { "cni.dev/valid-attachments": [{ containerID: peer.containerId, ifname: "eth0" }] },
          }),
        );
      else mustSucceed(await plugin(world, "DEL", call));
      expect(addressOf(await add(world, install(world, pods), blue))).toBe(address);
      expect(await meet(world, peer, blue, address)).toBe(followingMac(address));
    },
  );
}

scene(
  "of two first ADDs at once, one with a MAC of its own, the bridge does not say that all follow",
  async (world) => {
    const pods = network("pods");
    const own = asked(
      {
        ...pods,
        name: "own",
        plugins: [
          {
            ...pods.plugins[0],
            ipam: {
              ...pods.plugins[0].ipam,
              ranges: [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.100" }]],
            },
          },
        ],
      },
      OTHER_MAC,
    );
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const calls = [
      { network: pods, pod: red },
      { network: own, pod: blue },
    ];
    for (let round = 0; round < 20; round++) {
      for (const outcome of await Promise.all(calls.map((call) => plugin(world, "ADD", call))))
        mustSucceed(outcome);
      expect((await linkOf(world.host, "pods0")).ifalias).toBeUndefined();
      for (const call of calls) mustSucceed(await plugin(world, "DEL", call));
      await world.host.must("ip link delete pods0");
    }
  },
);

scene(
  "a MAC that is another address's is refused before anything is done, and the address's own is not",
  async (world) => {
    const pods = network("pods", { mac: "0a:58:0a:01:00:04" });
    const red = await world.pod("red");
    expect(mustFail(await plugin(world, "ADD", { network: pods, pod: red }))).toMatchObject({
      code: 7,
      msg: expect.stringContaining("the MAC 0a:58:0a:01:00:04 belongs to the pod with the address 10.1.0.4"),
    });
    expect((await snapshotOfFiles(world)).leases.lines).toEqual([]);
    mustSucceed(
      await plugin(world, "ADD", { network: pods, pod: red, more: { args: { cni: { ips: ["10.1.0.4"] } } } }),
    );
  },
);

scene(
  "an interface that somebody renames in the pod at any moment of its ADD ends the ADD with the truth, where it is missed",
  async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    const call = { network: pods, pod: red };
    const said: string[] = [];
    await atEveryMoment(
      async (moment) => {
        await using adding = await holdAtOrEnd(world, "ADD", call, moment);
        const { isOver } = adding;
        const isRenamed = !isOver && (await red.exec("ip link set eth0 name moved")).status === 0;
        const outcome = await (isOver ? adding.outcome : adding.goOn());
        // After the last look at the interface nobody misses its name.
        if (isRenamed && outcome.status !== 0) said.push(mustFail(outcome).msg);
        mustSucceed(await plugin(world, "DEL", call));
        return !isOver;
      },
      ["sendto"],
    );
    expect(said.length).toBeGreaterThan(0);
    expect(said.filter((msg) => !/eth0|moved/.test(msg) || msg.includes("does not forward"))).toEqual([]);
  },
  120_000,
);

scene(
  "an ADD that is killed at any one of its steps does not hide that the reference plugin gave out addresses",
  async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    await add(world, pods, red);
    const says = (await linkOf(world.host, "pods0")).ifalias;
    expect(says).toContain("0a:58");
    await del(world, pods, red);
    const call = { network: pods, pod: red };
    const wrong: string[] = [];
    await atEveryMoment(
      async (moment) => {
        await world.host.must(["ip", "link", "set", "pods0", "alias", says!]);
        await world.host.must([
          "sh",
          "-c",
          "printf 10.1.0.9 > /var/lib/cni/networks/pods/last_reserved_ip.0",
        ]);
        const died = await dieAt(world, "ADD", call, moment);
        mustSucceed(await plugin(world, "DEL", call));
        mustSucceed(await plugin(world, "ADD", call));
        if ((await linkOf(world.host, "pods0")).ifalias !== undefined)
          wrong.push(`killed before ${moment.kind} ${moment.count}`);
        mustSucceed(await plugin(world, "DEL", call));
        return died;
      },
      ["sendto", "write", "linkat", "unlinkat", "renameat2"],
    );
    expect(wrong).toEqual([]);
  },
  120_000,
);

for (const { family, subnets } of FAMILIES) {
  scene(`${family}: the first pod on a fresh bridge pings the gateway at once`, async (world) => {
    const red = await world.pod("red");
    const result = await add(world, install(world, network("pods", { subnets })), red);
    for (const { gateway } of result.ips!) expect(await firstAnswer(red, gateway!)).toBeLessThanOrEqual(2);
  });

  scene(
    `${family}: the first pod on a fresh bridge is reached at once from beyond the node`,
    async (world) => {
      const neighbour = await addNeighbour(world);
      const result = await add(world, install(world, network("pods", { subnets })), await world.pod("red"));
      for (const address of addressesOf(result)) {
        await neighbour.place.must(
          `ip route add ${address} via ${address.includes(":") ? neighbour.host6 : neighbour.host4}`,
        );
        expect(await firstAnswer(neighbour.place, address)).toBeLessThanOrEqual(2);
      }
    },
  );

  scene(
    `${family}: a pod that nobody knows is reached at once by the host and by another pod`,
    async (world) => {
      const pods = install(world, network("pods", { subnets }));
      const red = await world.pod("red");
      const blue = await world.pod("blue");
      await add(world, pods, red);
      for (const address of addressesOf(await add(world, pods, blue))) {
        expect(await firstAnswer(world.host, address)).toBeLessThanOrEqual(2);
        expect(await firstAnswer(red, address)).toBeLessThanOrEqual(2);
      }
    },
  );
}
