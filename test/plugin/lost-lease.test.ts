// A lease is lost while its pod lives: the file was emptied, garbled, replaced or removed. The pod keeps its
// address, and nobody else is given it.
import { expect } from "vitest";
import { add, addressOf, check, del, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { deviceNetwork, plugIn } from "../support/device.ts";
import { holdAtOrEnd, locksOf } from "../support/held.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, type Network, network } from "../support/network.ts";
import { WAYS } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { atEveryMoment } from "../support/strace.ts";
import { pings } from "../support/traffic.ts";
import { wireNetwork } from "../support/wire.ts";
import type { Pod, World } from "../support/world.ts";

const LEASES = "/var/lib/cni/networks/pods";
/** Two addresses, which are given in turn. */
const POOL = {
  type: "host-local",
  ranges: [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.2", rangeEnd: "10.1.0.3" }]],
};

const DAMAGES: { name: string; needsTrace?: true; command: string }[] = [
  { name: "the file is empty", command: `: > ${LEASES}/10.1.0.2` },
  { name: "the file is garbled", command: `echo '{]' > ${LEASES}/10.1.0.2` },
  { name: "the folder is removed", command: `rm -r ${LEASES}` },
  { name: "the files of the folder are removed", command: `rm ${LEASES}/*` },
  // Nothing but packet rules and the route to a pair tells of it at a cost that does not grow.
  { name: "this file alone is removed", needsTrace: true, command: `rm ${LEASES}/10.1.0.2` },
];

for (const [{ way, networkOf }, ipMasq] of WAYS.flatMap((each) => [
  [each, true] as const,
  [each, false] as const,
])) {
  for (const { name, needsTrace, command } of DAMAGES) {
    if (needsTrace && !ipMasq && networkOf === network) continue;
    scene(
      `${way}: ipMasq ${ipMasq}: ${name}: the pod keeps its address and gets its lease back, the next pod gets another`,
      async (world) => {
        const pods = install(world, networkOf("pods", { ipam: POOL, ipMasq }));
        const [red, blue, late] = [await world.pod("red"), await world.pod("blue"), await world.pod("late")];
        expect(addressOf(await add(world, pods, red))).toBe("10.1.0.2");
        // Red's address is the next in turn.
        await add(world, pods, blue);
        await del(world, pods, blue);
        const before = await elements(world);
        await world.host.must(["sh", "-c", command]);
        expect(addressOf(await add(world, pods, blue))).toBe("10.1.0.3");
        expect(world.read(`${LEASES}/10.1.0.2`)).toContain(red.containerId);
        expect(await elements(world)).toEqual(expect.arrayContaining(before));
        expect(await check(world, pods, red)).toBeUndefined();
        expect([await pings(red, "10.1.0.1"), await pings(blue, "10.1.0.1")]).toEqual([true, true]);
        expect(mustFail(await plugin(world, "ADD", { network: pods, pod: late })).code).toBe(100);
        await del(world, pods, red);
        expect(world.has(`${LEASES}/10.1.0.2`)).toBe(false);
      },
    );
  }
}

for (const { way, networkOf } of [
  { way: "a wire", networkOf: wireNetwork },
  { way: "a device", networkOf: deviceNetwork },
])
  scene(
    `${way}: this file alone is removed: the pod keeps its address, the next one gets another`,
    async (world) => {
      for (const name of ["eth7", "eth88"]) await plugIn(world, name);
      const wishes = { ipam: POOL, ...(networkOf === deviceNetwork ? { devices: ["eth*"] } : {}) };
      const pods = install(world, networkOf("pods", wishes));
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      expect(addressOf(await add(world, pods, red))).toBe("10.1.0.2");
      // Red's address is the next in turn.
      await add(world, pods, blue);
      await del(world, pods, blue);
      await world.host.must(`rm ${LEASES}/10.1.0.2`);
      expect(addressOf(await add(world, pods, blue))).toBe("10.1.0.3");
      expect(world.read(`${LEASES}/10.1.0.2`)).toContain(red.containerId);
      expect(await check(world, pods, red)).toBeUndefined();
    },
  );

scene("an address that is asked for stays with the pod whose lease is empty", async (world) => {
  const pods = install(world, network("pods"));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  const address = addressOf(await add(world, pods, red));
  world.write(`${LEASES}/${address}`, "");
  const more = { runtimeConfig: { ips: [address] } };
  expect(mustFail(await plugin(world, "ADD", { network: pods, pod: blue, more })).code).toBe(100);
  expect(world.read(`${LEASES}/${address}`)).toContain(red.containerId);
});

scene("a GC gives a valid pod back the lease that names somebody else, or nobody", async (world) => {
  const pods = install(world, network("pods"));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await add(world, pods, red);
  await add(world, pods, blue);
  const before = await snapshot(world);
  world.write(`${LEASES}/10.1.0.2`, "ghost\r\neth0");
  world.write(`${LEASES}/10.1.0.3`, "");
  mustSucceed(await collect(world, pods, [red, blue]));
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
  expect(world.read(`${LEASES}/10.1.0.2`)).toContain(red.containerId);
  expect(world.read(`${LEASES}/10.1.0.3`)).toContain(blue.containerId);
});

scene(
  "a GC brings back the whole folder of leases while a pod lives, and makes none for nobody",
  async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    await add(world, pods, red);
    const before = await snapshot(world);
    await world.host.must(`rm -r ${LEASES}`);
    mustSucceed(await collect(world, pods, [red]));
    expect(world.read(`${LEASES}/10.1.0.2`)).toContain(red.containerId);
    expect((await snapshot(world)).minus(before).outside((all) => all.below(LEASES)).lines).toEqual([]);
    await del(world, pods, red);
    await world.host.must(`rm -r ${LEASES}`);
    mustSucceed(await collect(world, pods, []));
    expect(world.has(LEASES)).toBe(false);
  },
);

scene("the empty lease of a pod that is gone is free as before", async (world) => {
  const { pods, red, late } = await fullPool(world);
  const end = await hostLinkOf(world, red);
  await world.removePod(red);
  await world.host.must(["sh", "-c", `while ip link show dev ${end} 2> /dev/null; do :; done`]);
  expect(addressOf(await add(world, pods, late))).toBe("10.1.0.2");
});

scene("the empty lease of a pod that has lost its interface alone is free too", async (world) => {
  const { pods, red, late } = await fullPool(world);
  await world.host.must(`ip link del ${await hostLinkOf(world, red)}`);
  expect(addressOf(await add(world, pods, late))).toBe("10.1.0.2");
});

// The records of the node are read network by network: the pod with the address comes before and after.
for (const owner of ["apples", "zebras"]) {
  scene(
    `an address stays with the pod of ${owner} when the tables are lost while an ADD asks for it`,
    async (world) => {
      const pods = install(world, network("pods"));
      const free = install(world, network("free", { subnets: ["10.3.0.0/24"] }));
      const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
      await add(world, install(world, network(owner, { bridge: "pods0" })), red);
      let met = 0;
      await atEveryMoment(
        async (moment) => {
          await world.host.must("rm -rf /var/lib/cni/networks/pods");
          await using adding = await holdAtOrEnd(world, "ADD", { network: pods, pod: blue }, moment);
          if (adding.isOver) return false;
          await world.host.must("nft flush ruleset");
          const { outcome, wasBeside } = await adding.meanwhile(
            () => add(world, free, green),
            locksOf("pods"),
          );
          expect(outcome.status, `request ${moment.count}`).toBe(1);
          expect(await pings(red, "10.1.0.1"), `request ${moment.count}`).toBe(true);
          await del(world, free, green);
          if (wasBeside) met += 1;
          return true;
        },
        ["sendto"],
      );
      expect(met).toBeGreaterThan(0);
    },
    120_000,
  );
}

/** Red and blue have the two addresses of the pool, and red's lease is empty. */
async function fullPool(world: World): Promise<{ pods: Network; red: Pod; late: Pod }> {
  const pods = install(world, network("pods", { ipam: POOL }));
  const [red, blue, late] = [await world.pod("red"), await world.pod("blue"), await world.pod("late")];
  await add(world, pods, red);
  await add(world, pods, blue);
  world.write(`${LEASES}/10.1.0.2`, "");
  return { pods, red, late };
}

/** The elements of nftables by which pods are masqueraded. */
async function elements(world: World): Promise<string[]> {
  const rules = await world.host.must("nft list ruleset");
  return rules
    .split(/[,{}]/)
    .map((text) => text.trim())
    .filter((text) => text.startsWith("10.1.0.") && text.includes("eth0"))
    .sort();
}
