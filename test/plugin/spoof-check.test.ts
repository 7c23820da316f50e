// macspoofchk: from a pod's port come frames with the pod's own source MAC address, and no others.
import { expect } from "vitest";
import {
  add,
  addressesOf,
  addressOf,
  type CniResult,
  check,
  del,
  mustSucceed,
  plugin,
} from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { DEL_WAYS, type DelWay } from "../support/del-way.ts";
import { holdAt, holdAtOrEnd, holdCommandAtOrEnd, locksOf } from "../support/held.ts";
import { hostLinkOf, linkOf } from "../support/link.ts";
import { FAMILIES, install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { warmUp } from "../support/steady.ts";
import { atEveryMoment, type Moment } from "../support/strace.ts";
import { isSilent, pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const RESTORE = [`${PLUGIN_FOLDER}/pontoon`, "restore"];
/** The rules of the table, however many pods there are. */
const RULES = 18;
const FALSE_MAC = "0a:00:00:00:00:99";
const TABLE = "the nftables table bridge pontoon, which checks source MAC addresses, is missing or not whole";
const ELEMENTS =
  /the nftables elements that let frames from veth[0-9a-f]{11} through with the source MAC [0-9a-f:]{17} alone are missing/;

for (const { family, subnets } of FAMILIES) {
  scene(
    `${family}: a pod with a false MAC reaches nobody, with its own it does, and others are not touched`,
    async (world) => {
      const { red, blue, results } = await redAndBlue(world, { subnets });
      const gateways = results.blue.ips!.map(({ gateway }) => gateway!);
      const own = (await linkOf(red, "eth0")).address;
      await setMac(red, FALSE_MAC);
      for (const address of [...gateways, ...addressesOf(results.blue)])
        expect(await isSilent(red, address), address).toBe(true);
      for (const address of addressesOf(results.blue))
        expect(await pings(world.host, address), address).toBe(true);
      for (const gateway of gateways) expect(await pings(blue, gateway), gateway).toBe(true);
      await setMac(red, own);
      for (const address of [...gateways, ...addressesOf(results.blue)])
        expect(await pings(red, address), address).toBe(true);
    },
  );
}

scene("a second interface on top of the pod's own is cut off, while the pod's own goes on", async (world) => {
  const { red } = await redAndBlue(world);
  await red.must("ip link add link eth0 name second address 0a:00:00:00:00:77 type macvlan mode bridge");
  await red.must("ip link set second up");
  await red.must("ip address add 10.1.0.77/24 dev second");
  expect(await red.exec("ping -n -c 2 -i 0.1 -W 0.3 -I second 10.1.0.1")).toMatchObject({
    stdout: expect.stringContaining(" 0 received"),
  });
  expect((await red.exec("ping -n -c 1 -W 1 -I eth0 10.1.0.1")).status).toBe(0);
});

scene("a pod that takes another pod's MAC does not get that pod's frames", async (world) => {
  const { red, blue, results } = await redAndBlue(world);
  const stolen = (await linkOf(blue, "eth0")).address;
  expect(await pings(blue, "10.1.0.1")).toBe(true);
  await setMac(red, stolen);
  expect(await isSilent(red, "10.1.0.1")).toBe(true);
  const learnt = await world.host.must("bridge fdb show br pods0 dynamic");
  expect(learnt.split("\n").filter((line) => line.startsWith(stolen))).toEqual([
    expect.stringContaining(`dev ${await hostLinkOf(world, blue)} `),
  ]);
  expect(await pings(world.host, addressOf(results.blue))).toBe(true);
});

scene(
  "a pod of a network without macspoofchk may send what it likes, on the same bridge too",
  async (world) => {
    await redAndBlue(world);
    const free = install(world, network("free", { bridge: "pods0", subnets: ["fd02::/64"] }));
    const green = await world.pod("green");
    await add(world, free, green);
    await setMac(green, FALSE_MAC);
    expect(await pings(green, "fd02::1")).toBe(true);
  },
);

scene("a network without addresses is checked as well", async (world) => {
  const plain = network("pods", { macspoofchk: true, isGateway: false, ipMasq: false });
  delete plain.plugins[0].ipam;
  install(world, plain);
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  for (const [at, pod] of [red, blue].entries()) {
    await add(world, plain, pod);
    await pod.must(`ip address add 10.7.0.${at + 1}/24 dev eth0`);
  }
  expect(await pings(red, "10.7.0.2")).toBe(true);
  await setMac(red, FALSE_MAC);
  expect(await isSilent(red, "10.7.0.2")).toBe(true);
});

scene("CHECK says what is lost, and the next ADD brings back the whole table for all pods", async (world) => {
  const { pods, red, blue } = await redAndBlue(world);
  expect(await check(world, pods, red)).toBeUndefined();
  const whole = await guards(world);
  for (const harm of [
    "nft flush ruleset",
    "nft delete table bridge pontoon",
    "nft flush table bridge pontoon",
  ]) {
    await world.host.must(harm);
    expect(await check(world, pods, red), harm).toContain(TABLE);
    const green = await world.pod("green");
    await add(world, pods, green);
    for (const pod of [red, blue, green]) expect(await check(world, pods, pod), harm).toBeUndefined();
    await del(world, pods, green);
    await world.removePod(green);
    expect((await guards(world)).lines, harm).toEqual(whole.lines);
  }
  await setMac(red, FALSE_MAC);
  expect(await isSilent(red, "10.1.0.1")).toBe(true);
});

scene("CHECK says when an attachment's own elements are lost", async (world) => {
  const { pods, red } = await redAndBlue(world);
  const port = await hostLinkOf(world, red);
  for (const element of [
    `source { "${port}" . ${(await linkOf(red, "eth0")).address} }`,
    `guarded { "${port}" }`,
  ]) {
    await world.host.must(`nft delete element bridge pontoon ${element}`);
    expect(await check(world, pods, red), element).toMatch(ELEMENTS);
  }
});

scene("a table that was lost comes back without the pods that are gone", async (world) => {
  const { pods, red } = await redAndBlue(world);
  await world.removePod(red);
  await waitFor("red's link is gone", async () => (await snapshot(world)).hostEnds.links.count === 1);
  await world.host.must("nft flush ruleset");
  await add(world, pods, await world.pod("green"));
  expect((await guards(world)).elements.lines).toHaveLength(4);
});

scene(
  "an ADD whose table is flushed at any moment, and put back by another ADD, does not end with an unchecked pod",
  async (world) => {
    const pods = install(world, network("pods", { macspoofchk: true, ipMasq: false }));
    await warmUp(world, pods);
    const [red, green] = [await world.pod("red"), await world.pod("green")];
    const call = { network: pods, pod: red };
    let met = 0;
    await atEveryMoment(
      async (moment) => {
        await using adding = await holdAtOrEnd(world, "ADD", call, moment);
        const stood = !adding.isOver;
        if (stood) await world.host.must("nft flush ruleset");
        const { outcome, wasBeside } = stood
          ? await adding.meanwhile(() => add(world, pods, green), locksOf("pods"))
          : { outcome: await adding.outcome, wasBeside: false };
        const prevResult = JSON.parse(mustSucceed(outcome).stdout) as CniResult;
        mustSucceed(await plugin(world, "CHECK", { ...call, more: { prevResult } }));
        await del(world, pods, green);
        mustSucceed(await plugin(world, "DEL", call));
        expect((await guards(world)).elements.lines, `flushed before request ${moment.count}`).toEqual([]);
        if (wasBeside) met += 1;
        return stood;
      },
      ["sendto"],
    );
    expect(met).toBeGreaterThan(0);
  },
  60_000,
);

const WAYS: DelWay[] = [
  ...DEL_WAYS,
  [
    "after macspoofchk was taken out of the configuration",
    (world, _, red) => del(world, install(world, network("pods")), red),
  ],
];

for (const [way, remove] of WAYS) {
  scene(
    `DEL ${way} takes the elements out and leaves those of others, and so does a second one`,
    async (world) => {
      const { pods, red, onlyBlue } = await redAndBlue(world);
      const call = { network: pods, containerId: red.containerId, netns: "" };
      await remove(world, pods, red);
      expect((await guards(world)).lines).toEqual(onlyBlue.lines);
      mustSucceed(await plugin(world, "DEL", call));
      expect((await guards(world)).lines).toEqual(onlyBlue.lines);
    },
  );
}

for (const records of ["with records", "without records"]) {
  scene(`GC ${records} takes out what belongs to no valid attachment of its network`, async (world) => {
    const others = install(world, network("others", { subnets: ["10.2.0.0/24"], macspoofchk: true }));
    await add(world, others, await world.pod("green"));
    const { pods, blue, onlyBlue } = await redAndBlue(world);
    if (records === "without records") await world.host.must("rm -r /var/lib/cni/pontoon");
    mustSucceed(await collect(world, pods, [blue]));
    expect((await guards(world)).lines).toEqual(onlyBlue.lines);
  });
}

scene(
  "an ADD that fails while another one puts back a lost table leaves no elements",
  async (world) => {
    const pods = install(world, network("pods", { macspoofchk: true }));
    const free = install(world, network("free", { subnets: ["10.3.0.0/24"], macspoofchk: true }));
    const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
    // The address that blue gets is red's already, on the same bridge.
    await add(world, install(world, network("others", { bridge: "pods0" })), red);
    let met = 0;
    // Before each file that it removes: last of all it gives back what it holds.
    await atEveryMoment(
      async (moment) => {
        await world.host.must("rm -rf /var/lib/cni/networks/pods");
        await using adding = await holdAtOrEnd(world, "ADD", { network: pods, pod: blue }, moment);
        const stood = !adding.isOver;
        if (stood) await world.host.must("nft flush ruleset");
        const { outcome, wasBeside } = stood
          ? await adding.meanwhile(() => add(world, free, green), locksOf("pods"))
          : { outcome: await adding.outcome, wasBeside: false };
        expect(outcome.status, `file ${moment.count}`).toBe(1);
        await del(world, free, green);
        expect((await guards(world)).elements.lines, `file ${moment.count}`).toEqual([]);
        if (wasBeside) met += 1;
        return stood;
      },
      ["unlinkat"],
    );
    expect(met).toBeGreaterThan(0);
  },
  60_000,
);

// A GC that knows no records takes the link before its elements, a DEL shuts it first.
for (const [way, between] of [
  ["DEL", "shut, not checked"],
  ["DEL without a record", "shut, not checked"],
  ["GC without a record", "gone, checked"],
] as const) {
  scene(
    `${way}: at no moment is the pod's port open and not checked`,
    async (world) => {
      const pods = install(world, network("pods", { macspoofchk: true }));
      const red = await world.pod("red");
      const verb = way.startsWith("GC") ? "GC" : "DEL";
      const seen = new Set<string>();
      await atEveryMoment(
        async (moment) => {
          await add(world, pods, red);
          const port = await hostLinkOf(world, red);
          if (way !== "DEL") await world.host.must("rm -r /var/lib/cni/pontoon");
          await using taking = await holdAtOrEnd(world, verb, { network: pods, pod: red }, moment);
          const stood = !taking.isOver;
          const isChecked = (await world.host.must("nft list table bridge pontoon")).includes(port);
          const { stdout } = await world.host.exec(["ip", "-j", "link", "show", port]);
          seen.add(
            `${stdout === "" ? "gone" : stdout.includes('"UP"') ? "open" : "shut"}, ${isChecked ? "checked" : "not checked"}`,
          );
          expect([...seen], `request ${moment.count}`).not.toContain("open, not checked");
          mustSucceed(await (stood ? taking.goOn() : taking.outcome));
          return stood;
        },
        ["sendto"],
      );
      expect([...seen]).toEqual(expect.arrayContaining(["open, checked", between, "gone, not checked"]));
    },
    60_000,
  );
}

scene(
  "a restore beside a DEL opens no port whose check the DEL has taken out",
  async (world) => {
    const pods = install(world, network("pods", { macspoofchk: true }));
    const call = { network: pods, pod: await world.pod("red") };
    const isOpen = async (): Promise<boolean> =>
      (await world.host.must("ip -j link show type veth")).includes('"UP"');
    const isChecked = async (): Promise<boolean> =>
      (await world.host.must("nft list table bridge pontoon")).includes("0a:58");
    const unchecked: Moment[] = [];
    await atEveryMoment(
      async (moment) => {
        await add(world, pods, call.pod);
        await using deleting = await holdAtOrEnd(world, "DEL", call, moment);
        const stood = !deleting.isOver;
        if (stood && !(await isChecked())) unchecked.push(moment);
        mustSucceed(await (stood ? deleting.goOn() : deleting.outcome));
        return stood;
      },
      ["sendto"],
    );
    await atEveryMoment(
      async (moment) => {
        await add(world, pods, call.pod);
        await world.host.must(`ip link set ${await hostLinkOf(world, call.pod)} down`);
        await using restoring = await holdCommandAtOrEnd(world, RESTORE, moment);
        const stood = !restoring.isOver;
        await using deleting = await holdAt(world, "DEL", call, unchecked[0]!);
        mustSucceed(await (stood ? restoring.goOn() : restoring.outcome));
        expect((await isOpen()) && !(await isChecked()), `restore before request ${moment.count}`).toBe(
          false,
        );
        mustSucceed(await deleting.goOn());
        return stood;
      },
      ["sendto"],
    );
  },
  60_000,
);

scene("what stays after DEL is the table without elements", async (world) => {
  const plain = await warmUp(world, install(world, network("pods")));
  const pods = install(world, network("pods", { macspoofchk: true }));
  expect((await warmUp(world, pods)).minus(plain).lines).toEqual([
    "+ nft chain bridge pontoon prerouting",
    ...Array.from({ length: RULES }, (_, at) => `+ nft rule bridge pontoon prerouting #${at + 1}`).sort(),
    ...["addressed", "dhcp", "guarded", "source", "source4", "source6", "target6"].map(
      (name) => `+ nft set bridge pontoon ${name}`,
    ),
    "+ nft table bridge pontoon",
  ]);
});

scene("ten pods at once on a fresh host make one table with the rules of one", async (world) => {
  const pods = install(world, network("pods", { macspoofchk: true }));
  const all = await Promise.all(Array.from({ length: 10 }, (_, at) => world.pod(`pod${at}`)));
  await Promise.all(all.map((pod) => add(world, pods, pod)));
  const { rules, elements } = await guards(world);
  expect(rules.lines).toHaveLength(RULES);
  expect(elements.lines).toHaveLength(20);
  for (const pod of all) expect(await pings(pod, "10.1.0.1"), pod.name).toBe(true);
});

async function redAndBlue(world: World, wishes: { subnets?: string[] } = {}) {
  const pods = install(world, network("pods", { macspoofchk: true, ...wishes }));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  const results: { blue: CniResult; red: CniResult } = {
    blue: await add(world, pods, blue),
    red: { cniVersion: "" },
  };
  const onlyBlue = await guards(world);
  results.red = await add(world, pods, red);
  return { pods, red, blue, results, onlyBlue };
}

/** What there is in the table that checks. */
async function guards(world: World): Promise<Snapshot> {
  return (await snapshot(world)).inTable("bridge pontoon");
}

async function setMac(pod: Pod, mac: string): Promise<void> {
  await pod.must(`ip link set eth0 address ${mac}`);
}
