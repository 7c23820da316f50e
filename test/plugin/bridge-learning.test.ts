// What a bridge believes of the pods behind it: where a MAC is that macspoofchk looks after.
import { expect } from "vitest";
import { add, addressOf, check, mustSucceed, plugin } from "../support/cni.ts";
import { arp, BROADCAST, bytesOf, type Frame, flood, ipv4, passing, send, udp } from "../support/frame.ts";
import { hostLinkOf, linkOf } from "../support/link.ts";
import { install, type NetworkWishes, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import type { World } from "../support/world.ts";

const LINK_LOCAL = Array.from({ length: 16 }, (_, at) => `01:80:c2:00:00:0${at.toString(16)}`);
const LLDP = "01:80:c2:00:00:0e";

scene("60,000 invented MACs in frames to a link-local group make no entries", async (world) => {
  const { red } = await redAndBlue(world);
  const before = await entries(world);
  await flood(red.pod, LLDP, 60_000);
  expect(await entries(world)).toEqual(before);
});

scene("nor do they from a pod without macspoofchk, on a bridge that Pontoon made", async (world) => {
  const { red } = await redAndBlue(world, { macspoofchk: false });
  const before = (await entries(world)).length;
  await flood(red.pod, LLDP, 1_000);
  expect((await entries(world)).length).toBeLessThan(before + 10);
});

scene("a pod that sends with the MAC of another does not get the packets for it", async (world) => {
  const { red, blue } = await redAndBlue(world);
  const frames = [...LINK_LOCAL, BROADCAST, blue.mac].map((to) =>
    bytesOf({ to, from: blue.mac, type: 0x88cc, body: new Uint8Array(46) }),
  );
  for (let times = 0; times < 3; times++) {
    await send(red.pod, frames);
    expect(await pings(world.host, blue.ip)).toBe(true);
  }
  expect(await portOf(world, blue.mac)).toEqual([`${blue.port} static sticky`]);
});

scene("nor does a pod without macspoofchk on the same bridge: the entry stays where it is", async (world) => {
  const { blue } = await redAndBlue(world);
  const green = await world.pod("green");
  await add(world, install(world, network("free", { bridge: "pods0", subnets: ["fd02::/64"] })), green);
  await send(green, [
    bytesOf({ to: BROADCAST, from: blue.mac, ...arp({ mac: blue.mac, ip: "10.2.0.9", target: "10.2.0.9" }) }),
  ]);
  expect(await portOf(world, blue.mac)).toEqual([`${blue.port} static sticky`]);
  expect(await pings(world.host, blue.ip)).toBe(true);
});

scene("nothing that a pod sends to a link-local group reaches another pod or the node", async (world) => {
  const { red, blue } = await redAndBlue(world);
  const packet = ipv4({ from: "10.9.9.9", to: "10.1.0.1", protocol: 17, body: udp(7, 7000) });
  const frames: Record<string, Frame> = {};
  for (const to of LINK_LOCAL)
    for (const [name, from] of [
      ["own", red.mac],
      ["another", blue.mac],
    ] as const)
      frames[`${to} ${name}`] = { to, from, ...packet };
  const last: Frame = { to: BROADCAST, from: red.mac, ...arp({ mac: red.mac, ip: red.ip, target: red.ip }) };
  expect(await passing(red.pod, { place: blue.pod, link: "eth0" }, frames, last)).toEqual([]);
  // A bridge hands such frames to the node as the port's own, past the packet filter of bridges: a socket
  // gets the datagram.
  await using heard = world.host.start("nc -n -u -l -k 10.1.0.1 7000");
  await waitFor("the node listens", async () =>
    (await world.host.must("ss -H -u -l -n sport = :7000")).includes("7000"),
  );
  await send(red.pod, Object.values(frames).map(bytesOf));
  await red.pod.must("nc -n -u -w 1 10.1.0.1 7000", { stdin: "mine" });
  await waitFor("the node has heard what is right", () => heard.output.includes("mine"));
  expect(heard.output).toBe("mine");
});

scene("the bridge knows a pod's MAC at its port, and nothing of it is left after DEL", async (world) => {
  const { pods, red, blue } = await redAndBlue(world);
  expect(await portOf(world, red.mac)).toEqual([`${red.port} static sticky`]);
  mustSucceed(await plugin(world, "DEL", { network: pods, pod: red.pod }));
  expect(await portOf(world, red.mac)).toEqual([]);
  expect(await portOf(world, blue.mac)).toEqual([`${blue.port} static sticky`]);
});

scene(
  "a bridge that was there stops learning from link-local frames for macspoofchk alone, and ADD says so",
  async (world) => {
    await world.host.must("ip link add pods0 type bridge");
    await world.host.must("ip link set pods0 up");
    const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
    const free = install(world, network("free", { bridge: "pods0" }));
    const said = async (of: ReturnType<typeof network>, pod: typeof red): Promise<string> =>
      mustSucceed(await plugin(world, "ADD", { network: of, pod })).stderr;
    expect(await said(free, red)).toBe("");
    expect(await world.host.must("ip -d link show pods0")).toContain("no_linklocal_learn 0");
    const pods = install(world, network("pods", { subnets: ["fd02::/64"], macspoofchk: true }));
    expect(await said(pods, blue)).toContain("bridge pods0 learned MACs from frames to link-local groups");
    expect(await world.host.must("ip -d link show pods0")).toContain("no_linklocal_learn 1");
    expect(await said(pods, green)).toBe("");
  },
);

scene("CHECK says what of bridge and port is not as the ADD left it", async (world) => {
  const { pods, red } = await redAndBlue(world);
  for (const [harm, mend, sentence] of [
    [
      `bridge link set dev PORT learning on`,
      `bridge link set dev PORT learning off`,
      "learning of PORT is on",
    ],
    [`bridge link set dev PORT flood off`, `bridge link set dev PORT flood on`, "flooding of PORT is off"],
    [
      `bridge link set dev PORT mcast_flood off`,
      `bridge link set dev PORT mcast_flood on`,
      "flooding of multicast of PORT is off",
    ],
    [
      `bridge link set dev PORT bcast_flood off`,
      `bridge link set dev PORT bcast_flood on`,
      "flooding of broadcast of PORT is off",
    ],
    [
      `ip link set pods0 type bridge no_linklocal_learn 0`,
      `ip link set pods0 type bridge no_linklocal_learn 1`,
      "bridge pods0 learns MACs from frames to link-local groups",
    ],
    [
      `bridge fdb del ${red.mac} dev PORT master`,
      `bridge fdb add ${red.mac} dev PORT master static sticky`,
      `bridge pods0 has no static, sticky entry for ${red.mac} at PORT`,
    ],
  ] as const) {
    const here = (text: string): string => text.replaceAll("PORT", red.port);
    await world.host.must(here(harm));
    expect(await check(world, pods, red.pod), harm).toContain(here(sentence));
    await world.host.must(here(mend));
    expect(await check(world, pods, red.pod), mend).toBeUndefined();
  }
});

scene("CHECK of a pod without macspoofchk notices a port that learns or floods nothing", async (world) => {
  const { pods, red } = await redAndBlue(world, { macspoofchk: false });
  expect(await check(world, pods, red.pod)).toBeUndefined();
  await world.host.must(`bridge link set dev ${red.port} learning off`);
  expect(await check(world, pods, red.pod)).toContain(`learning of ${red.port} is off`);
});

scene(
  "a pod that an earlier release attached passes CHECK on its bridge and in its table, and goes",
  async (world) => {
    const { pods, red } = await redAndBlue(world);
    await makeEarlier(world, red);
    expect(await check(world, pods, red.pod)).toBeUndefined();
    const green = await world.pod("green");
    await add(world, pods, green);
    expect(await check(world, pods, green)).toBeUndefined();
    expect(await check(world, pods, red.pod)).toBeUndefined();
    mustSucceed(await plugin(world, "DEL", { network: pods, pod: red.pod }));
    expect(await world.host.must("nft list table bridge pontoon")).not.toContain(red.port);
  },
);

/** Makes of an attachment and its bridge those of a release before the source check. */
async function makeEarlier(world: World, { port, mac, pod: { containerId } }: Attached): Promise<void> {
  const folder = "/var/lib/cni/pontoon/pods";
  for (const file of (await world.host.must(`ls ${folder}`))
    .split("\n")
    .filter((name) => name.endsWith(".json"))) {
    const record = JSON.parse(world.read(`${folder}/${file}`));
    if (record.key.containerId !== containerId) continue;
    expect(record.link.hasFixedMac).toBe(true);
    delete record.link.hasFixedMac;
    world.write(`${folder}/${file}`, JSON.stringify(record));
  }
  const commands = `
  bridge link set dev ${port} learning on
  ip link set ${port} type bridge_slave group_fwd_mask 0
  bridge fdb del ${mac} dev ${port} master
  ip link set pods0 type bridge no_linklocal_learn 0
  nft flush chain bridge pontoon prerouting
  nft add rule bridge pontoon prerouting iifname @guarded iifname . ether saddr != @source drop
  for set in addressed source4 source6 target6 dhcp; do nft delete set bridge pontoon $set; done`;
  await world.host.must(["sh", "-e", "-c", commands]);
}

interface Attached {
  pod: Awaited<ReturnType<World["pod"]>>;
  mac: string;
  ip: string;
  /** The host's end. */
  port: string;
}

async function redAndBlue(world: World, wishes: NetworkWishes = {}) {
  const pods = install(world, network("pods", { macspoofchk: true, ...wishes }));
  const attach = async (name: string): Promise<Attached> => {
    const pod = await world.pod(name);
    const ip = addressOf(await add(world, pods, pod));
    return { pod, ip, mac: (await linkOf(pod, "eth0")).address, port: await hostLinkOf(world, pod) };
  };
  return { pods, red: await attach("red"), blue: await attach("blue") };
}

interface Entry {
  mac: string;
  ifname: string;
  state: string;
  flags: string[];
  vlan?: number;
}

/** The forwarding table, each entry as text. */
async function entries(world: World): Promise<string[]> {
  const all = await world.host.json<Entry[]>("bridge -j fdb show br pods0");
  return all.map(({ mac, ifname, state, flags }) => [mac, ifname, state, ...flags].join(" ")).sort();
}

/** Where the bridge has the MAC of a pod. */
async function portOf(world: World, mac: string): Promise<string[]> {
  return (await entries(world))
    .filter((each) => each.startsWith(mac))
    .map((each) => each.slice(mac.length + 1));
}
