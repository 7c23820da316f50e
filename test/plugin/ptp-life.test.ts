// The life of pods without a bridge (attach: ptp): what CHECK finds, what restore puts back, a reboot, many
// at once, and a way of attaching that is changed under running pods.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { add, addressesOf, addressOf, check, del, mustSucceed, plugin } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, network } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { pings } from "../support/traffic.ts";
import { openWorld, PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const DUAL = ["10.1.0.0/24", "fd01::/64"];

interface Loss {
  what: string;
  where: "host" | "red";
  /** VETH in it stands for the host's end. */
  harm: string;
  says: RegExp;
  /** Restore puts it back. */
  isRestored?: true;
}

const LOSSES: Loss[] = [
  {
    what: "the node's route",
    where: "host",
    harm: "ip route del 10.1.0.2 dev VETH",
    says: /no route to 10\.1\.0\.2 by VETH/,
    isRestored: true,
  },
  {
    what: "the node's IPv6 route",
    where: "host",
    harm: "ip -6 route del fd01::2 dev VETH",
    says: /no route to fd01::2 by VETH/,
    isRestored: true,
  },
  {
    what: "the gateway's address",
    where: "host",
    harm: "ip address del 10.1.0.1/32 dev VETH",
    says: /VETH has no gateway address 10\.1\.0\.1/,
    isRestored: true,
  },
  {
    what: "the gateway's IPv6 address",
    where: "host",
    harm: "ip address del fd01::1/128 dev VETH",
    says: /VETH has no gateway address fd01::1/,
    isRestored: true,
  },
  {
    what: "the link-local address of the host's end",
    where: "host",
    harm: "ip -6 address flush dev VETH scope link",
    says: /VETH has no link-local address fe80::/,
    isRestored: true,
  },
  {
    what: "a host's end that is up",
    where: "host",
    harm: "ip link set VETH down",
    says: /VETH of the veth pair is down/,
    isRestored: true,
  },
  {
    what: "all addresses and routes of the host's end",
    where: "host",
    harm: "sh -c 'ip address flush dev VETH; ip route flush dev VETH; ip -6 route flush dev VETH'",
    says: /VETH has no gateway address/,
    isRestored: true,
  },
  {
    what: "a host's end of its own",
    where: "host",
    harm: "sh -c 'ip link add br9 type bridge; ip link set VETH master br9'",
    says: /VETH is a port of another interface/,
  },
  {
    what: "the pod's address",
    where: "red",
    harm: "ip address del 10.1.0.2/24 dev eth0",
    says: /10\.1\.0\.2/,
  },
  { what: "the pod's default route", where: "red", harm: "ip route del default", says: /0\.0\.0\.0\/0/ },
  {
    what: "the pod's route to its gateway",
    where: "red",
    harm: "ip route del 10.1.0.1 dev eth0",
    says: /10\.1\.0\.1\/32/,
  },
  {
    what: "the pod's route to its subnet",
    where: "red",
    harm: "ip -6 route del fd01::/64 dev eth0",
    says: /fd01::\/64/,
  },
  { what: "forwarding", where: "host", harm: "sysctl -qw net.ipv4.ip_forward=0", says: /forwarding of IPv4/ },
];

for (const { what, where, harm, says, isRestored } of LOSSES)
  scene(`CHECK misses ${what}${isRestored ? ", and restore puts it back" : ""}`, async (world) => {
    const pods = install(world, ptpNetwork("pods", { subnets: DUAL }));
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const addresses = addressesOf(await add(world, pods, red));
    await add(world, pods, blue);
    expect(await check(world, pods, red)).toBeUndefined();
    const before = await snapshot(world);
    const veth = await hostLinkOf(world, red);
    await (where === "host" ? world.host : red).must(["sh", "-ec", harm.replaceAll("VETH", veth)]);
    expect(await check(world, pods, red)).toMatch(new RegExp(says.source.replace("VETH", veth)));
    if (isRestored !== true) return;
    expect(mustSucceed(await restore(world)).stdout).toMatch(/pods: 2 attachments, \d+ rules? put back/);
    expect(await check(world, pods, red)).toBeUndefined();
    for (const address of addresses) expect(await pings(blue, address), address).toBe(true);
    expect((await snapshot(world)).minus(before).exceptAdded(({ marks }) => marks).lines).toEqual([]);
    expect(mustSucceed(await restore(world)).stdout).toContain("pods: 2 attachments, nothing to do");
  });

scene("restore brings back the rules after a flush of the ruleset", async (world) => {
  const pods = install(world, ptpNetwork("pods", { subnets: DUAL }));
  const red = await world.pod("red");
  await add(world, pods, red);
  const before = await snapshot(world);
  await world.host.must("nft flush ruleset");
  expect(await check(world, pods, red)).toMatch(/inet pontoon/);
  mustSucceed(await restore(world));
  expect((await snapshot(world)).minus(before).exceptAdded(({ marks }) => marks).lines).toEqual([]);
  expect(await check(world, pods, red)).toBeUndefined();
});

scene("after a reboot the addresses of before are free again", async (world) => {
  const range = { subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.5" };
  const pods = install(world, ptpNetwork("pods", { ipam: { type: "host-local", ranges: [[range]] } }));
  await add(world, pods, await world.pod("red"));
  await using rebooted = await openWorld();
  for (const folder of ["/var/lib/cni/networks/pods", "/var/lib/cni/pontoon/pods"])
    for (const name of readdirSync(world.outside(folder)))
      rebooted.write(join(folder, name), world.read(join(folder, name)));
  install(rebooted, pods);
  const blue = await rebooted.pod("blue");
  expect(addressOf(await add(rebooted, pods, blue))).toBe("10.1.0.5");
  expect(await pings(rebooted.host, "10.1.0.5")).toBe(true);
  expect((await snapshot(rebooted)).records.lines).toHaveLength(1);
});

scene(
  "ADDs and DELs at once do not disturb each other, and nothing is left",
  async (world) => {
    const pods = install(world, ptpNetwork("pods", { subnets: DUAL }));
    await warmUp(world, pods);
    const all: Pod[] = [];
    for (let number = 0; number < 20; number++) all.push(await world.pod(`p${number}`));
    const before = await snapshot(world);
    const [leaving, coming] = [all.slice(0, 10), all.slice(10)];
    await Promise.all(leaving.map((pod) => add(world, pods, pod)));
    const [results] = await Promise.all([
      Promise.all(coming.map((pod) => add(world, pods, pod))),
      Promise.all(leaving.map((pod) => del(world, pods, pod))),
    ]);
    const addresses = results.flatMap(addressesOf);
    expect(new Set(addresses).size).toBe(20);
    for (const address of addresses) expect(await pings(world.host, address), address).toBe(true);
    await Promise.all(coming.map((pod) => del(world, pods, pod)));
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
  },
  90_000,
);

scene(
  "pods of both ways are in one network while its way is changed, and reach each other",
  async (world) => {
    const [old, young] = [network("pods"), ptpNetwork("others", { subnets: ["10.2.0.0/24"] })];
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const first = addressOf(await add(world, install(world, old), red));
    const second = addressOf(await add(world, install(world, young), blue));
    expect(await pings(red, second)).toBe(true);
    expect(await pings(blue, first)).toBe(true);
  },
);

scene("GC takes a pod of before the change of the way, with a record and without", async (world) => {
  const [old, young] = [ptpNetwork("pods"), network("pods", { bridge: "pods0" })];
  install(world, old);
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await add(world, old, red);
  await add(world, old, blue);
  mustSucceed(await collect(world, young, [blue]));
  expect((await red.exec("ip link show eth0")).status).not.toBe(0);
  expect(await check(world, old, blue)).toBeUndefined();
  await world.host.must("rm -r /var/lib/cni/pontoon");
  mustSucceed(await plugin(world, "DEL", { network: young, pod: blue }));
  expect((await snapshot(world)).attachments.lines).toEqual([]);
});

function restore(world: World) {
  return world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`);
}
