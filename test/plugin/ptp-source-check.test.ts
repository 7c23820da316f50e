// macspoofchk and ipspoofchk for pods without a bridge (attach: ptp): what raw sockets in the pod send under
// false names gets past no rule of the node, and so to no other pod and no neighbour.
import { expect } from "vitest";
import { add, addressesOf, type CniResult, check, del, mustSucceed, plugin } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { DEL_WAYS } from "../support/del-way.ts";
import {
  arp,
  BROADCAST,
  bytesOf,
  type Frame,
  fragmentHeader,
  icmp6,
  ipv4,
  ipv6,
  optionsHeader,
  type Packet,
  passing,
  send,
  udp,
} from "../support/frame.ts";
import { holdAt, holdAtOrEnd, holdCommandAtOrEnd } from "../support/held.ts";
import { addScript, foreignNetwork } from "../support/ipam.ts";
import { hostLinkOf, linkOf } from "../support/link.ts";
import { addNeighbour, type Neighbour } from "../support/neighbour.ts";
import { install, type Network, type NetworkWishes, network } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { atEveryMoment, type Moment } from "../support/strace.ts";
import { connect, isSilent, pings, serve } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const TABLE = "inet pontoon-source";
const RESTORE = [`${PLUGIN_FOLDER}/pontoon`, "restore"];
const OTHER_MAC = "0a:58:0a:01:00:63";
const OUTSIDE = { ip4: "10.99.0.9", ip6: "2001:db8::9" };

/** A frame's packet, sent to this address, which tells it from the others where it is seen. */
type Made = (to: string) => Packet & Partial<Frame>;

scene(
  "IPv4: past the node's rules come packets from the pod's own address, in fragments too",
  async (world) => {
    const { red, blue } = await redAndBlue(world);
    const from =
      (source: string, fragment = 0): Made =>
      (to) =>
        ipv4({ from: source, to, protocol: 17, body: udp(7, 7), fragment });
    const tagged =
      (made: Made, ...tags: [number, number][]): Made =>
      (to) => ({ ...made(to), tags: tags.map(([protocol, vlan]) => ({ protocol, vlan })) });
    await expectPast(world, red, 4, {
      "its own address": [from(red.ip4), true],
      "a first fragment": [from(red.ip4, 0x2000), true],
      "a later fragment": [from(red.ip4, 100), true],
      "its own behind a tag without a VLAN": [tagged(from(red.ip4), [0x8100, 0]), true],
      "the other pod's": [from(blue.ip4), false],
      "the gateway's": [from("10.1.0.1"), false],
      "the node's on its wire": [from("192.168.50.1"), false],
      "another one": [from(OUTSIDE.ip4), false],
      "a first fragment of another": [from(blue.ip4, 0x2000), false],
      "a later fragment of another": [from(blue.ip4, 100), false],
      "no address": [from("0.0.0.0"), false],
      "another's behind a tag without a VLAN": [tagged(from(blue.ip4), [0x8100, 0]), false],
      "another's behind a tag": [tagged(from(blue.ip4), [0x8100, 5]), false],
      "its own behind a tag": [tagged(from(red.ip4), [0x8100, 5]), false],
      "another's behind two tags": [tagged(from(blue.ip4), [0x88a8, 0], [0x8100, 0]), false],
      "its own with another MAC": [(to) => ({ ...from(red.ip4)(to), from: OTHER_MAC }), false],
      "its own with the other pod's MAC": [(to) => ({ ...from(red.ip4)(to), from: blue.mac }), false],
      "another's with another MAC": [(to) => ({ ...from(blue.ip4)(to), from: OTHER_MAC }), false],
    });
  },
);

scene(
  "IPv6: past the node's rules come packets from the pod's own addresses, in fragments too",
  async (world) => {
    const { red, blue } = await redAndBlue(world);
    const from =
      (source: string, headers?: [number, Uint8Array]): Made =>
      (to) =>
        ipv6({ from: source, to, protocol: 17, body: udp(7, 7), ...(headers ? { headers } : {}) });
    await expectPast(world, red, 6, {
      "its own address": [from(red.ip6), true],
      "its link-local address": [from(red.local), true],
      "its own, with options": [from(red.ip6, optionsHeader(17)), true],
      "a first fragment": [from(red.ip6, fragmentHeader(17, 1)), true],
      "a later fragment": [from(red.ip6, fragmentHeader(17, 80)), true],
      "a later fragment of a ping": [from(red.ip6, fragmentHeader(58, 80)), true],
      "the other pod's": [from(blue.ip6), false],
      "the other pod's link-local address": [from(blue.local), false],
      "the gateway's": [from("fd01::1"), false],
      "another one": [from(OUTSIDE.ip6), false],
      "another one, with options": [from(blue.ip6, optionsHeader(17)), false],
      "a first fragment of another": [from(blue.ip6, fragmentHeader(17, 1)), false],
      "a later fragment of another": [from(blue.ip6, fragmentHeader(17, 80)), false],
      "no address": [from("::"), false],
      "its own with another MAC": [(to) => ({ ...from(red.ip6)(to), from: OTHER_MAC }), false],
    });
  },
);

scene(
  "ND: past the node's rules come the pod's claims for its own addresses, and none to be a router",
  async (world) => {
    const { red, blue } = await redAndBlue(world);
    const message =
      (
        type: number,
        { from = red.ip6, target }: { from?: string; target?: string } = {},
        wrap?: (protocol: number) => [number, Uint8Array],
      ): Made =>
      (to) => {
        const body = icmp6(type, { from, to, ...(target ? { target } : {}) });
        return ipv6({ from, to, protocol: 58, body, ...(wrap ? { headers: wrap(58) } : {}) });
      };
    const [echo, router, solicit, advert, redirect, report] = [128, 134, 135, 136, 137, 143] as const;
    const inFirst = (protocol: number) => fragmentHeader(protocol, 1);
    const none = { from: "::" };
    await expectPast(world, red, 6, {
      "an answer for its own": [message(advert, { target: red.ip6 }), true],
      "an answer for its link-local address": [message(advert, { from: red.local, target: red.local }), true],
      "a question for another": [message(solicit, { target: "fd01::1" }), true],
      "is its own address free": [message(solicit, { ...none, target: red.ip6 }), true],
      "membership in groups": [message(report, none), true],
      "a ping": [message(echo), true],
      "an answer for another": [message(advert, { target: blue.ip6 }), false],
      "an answer for the gateway": [message(advert, { target: "fd01::1" }), false],
      "an answer from another": [message(advert, { from: blue.ip6, target: blue.ip6 }), false],
      "an answer for another behind options": [message(advert, { target: blue.ip6 }, optionsHeader), false],
      "an answer for another in a fragment": [message(advert, { target: blue.ip6 }, inFirst), false],
      "a question from another": [message(solicit, { from: blue.ip6, target: "fd01::1" }), false],
      "is the other's address free": [message(solicit, { ...none, target: blue.ip6 }), false],
      "a router's advertisement": [message(router, { from: red.local }), false],
      "a redirect": [message(redirect, { from: red.local, target: blue.ip6 }), false],
    });
  },
);

scene(
  "what a false packet asks for reaches no other pod and no neighbour, and a right one does",
  async (world) => {
    const { red, blue, neighbour } = await redAndBlue(world);
    for (const [place, link, to4, to6] of [
      [blue.pod, "eth0", blue.ip4, blue.ip6],
      [neighbour.place, "wire", neighbour.v4, neighbour.v6],
    ] as const) {
      // The node knows the way there before.
      for (const to of [to4, to6]) expect(await pings(world.host, to)).toBe(true);
      const made: [string, (body: Uint8Array) => Packet & Partial<Frame>, boolean][] = [
        ["own, IPv4", (body) => ipv4({ from: red.ip4, to: to4, protocol: 17, body }), true],
        ["own, IPv6", (body) => ipv6({ from: red.ip6, to: to6, protocol: 17, body }), true],
        ["another's, IPv4", (body) => ipv4({ from: OUTSIDE.ip4, to: to4, protocol: 17, body }), false],
        ["another's, IPv6", (body) => ipv6({ from: OUTSIDE.ip6, to: to6, protocol: 17, body }), false],
        [
          "false MAC, IPv4",
          (body) => ({ ...ipv4({ from: red.ip4, to: to4, protocol: 17, body }), from: OTHER_MAC }),
          false,
        ],
      ];
      const frames: Record<string, Frame> = {};
      // The node cuts off what stands behind a packet, so the mark is in the packet too.
      for (const [at, [name, packet]] of made.entries())
        frames[name] = { to: red.gatewayMac, from: red.mac, ...packet(udp(7, 7, `mark:${at}`)) };
      const body = udp(7, 7, `mark:${made.length}`);
      const last = ipv4({ from: red.ip4, to: to4, protocol: 17, body });
      expect(
        await passing(red.pod, { place, link }, frames, { to: red.gatewayMac, from: red.mac, ...last }),
      ).toEqual(made.filter(([, , isRight]) => isRight).map(([name]) => name));
    }
  },
);

scene("false ARP harms nobody: others are reached as before, by the MACs as before", async (world) => {
  const { red, blue, neighbour } = await redAndBlue(world);
  const reach = async () => {
    for (const to of [blue.ip4, blue.ip6, neighbour.v4, neighbour.v6])
      expect(await pings(world.host, to), to).toBe(true);
    for (const to of ["10.1.0.1", "fd01::1", red.ip4, red.ip6])
      expect(await pings(blue.pod, to), to).toBe(true);
  };
  await reach();
  const known = async () => {
    const lines = await world.host.must("ip neighbour show");
    const own = await hostLinkOf(world, red.pod);
    return lines
      .split("\n")
      .filter((line) => line !== "" && !line.includes(` dev ${own} `))
      .map((line) => line.split(" ").slice(0, 5).join(" "))
      .toSorted();
  };
  const before = await known();
  const claims = [blue.ip4, "10.1.0.1", "192.168.50.1", neighbour.v4].flatMap((ip) =>
    [red.mac, OTHER_MAC].flatMap((mac) => [
      arp({ mac, ip, target: "10.1.0.1", isReply: true }),
      arp({ mac, ip, target: ip }),
      arp({ mac, ip, target: "10.1.0.1" }),
    ]),
  );
  await send(
    red.pod,
    claims.map((claim) => bytesOf({ to: BROADCAST, from: red.mac, ...claim })),
  );
  await reach();
  expect(await known()).toEqual(expect.arrayContaining(before));
});

scene("ARP: the node learns a pod's own address, and no other however many the pod claims", async (world) => {
  const { red, blue } = await redAndBlue(world);
  const own = await hostLinkOf(world, red.pod);
  const claims: Packet[] = [blue.ip4, "10.1.0.1", "192.168.50.1"].map((ip) =>
    arp({ mac: red.mac, ip, target: "10.1.0.1" }),
  );
  for (let at = 0; at < 2000; at++)
    claims.push(arp({ mac: red.mac, ip: `10.${100 + (at >> 8)}.${at & 255}.9`, target: "10.1.0.1" }));
  const right = arp({ mac: red.mac, ip: red.ip4, target: "10.1.0.1" });
  await send(
    red.pod,
    [arp({ mac: OTHER_MAC, ip: red.ip4, target: "10.1.0.1" }), ...claims, right].map((claim) =>
      bytesOf({ to: BROADCAST, from: red.mac, ...claim }),
    ),
  );
  const learnt = async () => (await world.host.must(`ip -4 neighbour show dev ${own}`)).trim();
  await waitFor("the node knows red", async () => (await learnt()).includes(red.ip4));
  expect(await learnt()).toMatch(new RegExp(`^${red.ip4} lladdr ${red.mac} \\S+$`));
});

scene("ND: the node looks for no link-local address on the pair but the pod's own", async (world) => {
  const { red, blue } = await redAndBlue(world);
  const own = await hostLinkOf(world, red.pod);
  const packet = (to: string): Packet =>
    ipv6({ from: red.ip6, to, protocol: 58, body: icmp6(128, { from: red.ip6, to }) });
  const others = Array.from({ length: 50 }, (_, at) => packet(`fe80::77:${at + 1}`));
  await send(
    red.pod,
    [...others, packet(blue.ip6)].map((each) => bytesOf({ to: red.gatewayMac, from: red.mac, ...each })),
  );
  // What came later has been forwarded.
  await waitFor("the node knows blue", async () =>
    (await world.host.must("ip -6 neighbour show")).includes(blue.ip6),
  );
  expect(await world.host.must(`ip -6 neighbour show dev ${own}`)).not.toContain("fe80::77:");
  const [, local = ""] =
    /inet6 (fe80:[0-9a-f:]+)/.exec(await world.host.must(`ip -6 address show dev ${own}`)) ?? [];
  expect(await pings(world.host, `${red.local}%${own}`)).toBe(true);
  expect(await pings(red.pod, `${local}%eth0`)).toBe(true);
  expect((await red.pod.exec(`ping -n -c 1 -W 1 -I ${red.local}%eth0 fd01::1`)).status).toBe(0);
});

scene(
  "macspoofchk alone: a pod with a false MAC reaches nobody, and may send from what address it likes",
  async (world) => {
    const { red, blue } = await redAndBlue(world, { ipspoofchk: false, macspoofchk: true });
    await red.pod.must(`ip link set eth0 address ${OTHER_MAC}`);
    for (const to of ["10.1.0.1", "fd01::1", blue.ip4, blue.ip6])
      expect(await isSilent(red.pod, to), to).toBe(true);
    await red.pod.must(`ip link set eth0 address ${red.mac}`);
    for (const to of ["10.1.0.1", "fd01::1", blue.ip4, blue.ip6])
      expect(await pings(red.pod, to), to).toBe(true);
    await expectPast(world, red, 4, {
      another: [(to) => ipv4({ from: OUTSIDE.ip4, to, protocol: 17, body: udp(7, 7) }), true],
      "another with a false MAC": [
        (to) => ({ ...ipv4({ from: OUTSIDE.ip4, to, protocol: 17, body: udp(7, 7) }), from: OTHER_MAC }),
        false,
      ],
    });
  },
);

scene(
  "what an ordinary pod does works: pings of all sizes, TCP, both families, host ports by itself",
  async (world) => {
    const { pods, red, blue } = await redAndBlue(world, { capabilities: { portMappings: true } });
    const green = await world.pod("green");
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
    const { stdout } = mustSucceed(
      await plugin(world, "ADD", { network: pods, pod: green, more: { runtimeConfig: { portMappings } } }),
    );
    const greens = addressesOf(JSON.parse(stdout) as CniResult);
    for (const address of ["10.1.0.1", "fd01::1", blue.ip4, blue.ip6, ...greens]) {
      expect(await pings(red.pod, address), address).toBe(true);
      expect((await red.pod.exec(`ping -n -c 1 -W 1 -s 20000 ${address}`)).status, address).toBe(0);
    }
    await using _own = await serve(green, "tcp", "0.0.0.0", 80);
    await using _other = await serve(blue.pod, "tcp", "::", 81);
    expect(await connect(red.pod, blue.ip6, 81)).toContain("blue saw");
    for (const from of [red.pod, green, world.host])
      expect(await connect(from, "10.1.0.1", 8080), from.name).toContain("green saw");
  },
);

scene(
  "pods with a check on a bridge and without one stand side by side, and each table has its own",
  async (world) => {
    const { pods, red } = await redAndBlue(world);
    const bridged = install(world, network("others", { subnets: ["10.2.0.0/24"], ipspoofchk: true }));
    const green = await world.pod("green");
    await add(world, bridged, green);
    await world.host.must("nft flush ruleset");
    expect(await check(world, pods, red.pod)).toContain(`the nftables table ${TABLE}, which checks`);
    expect(await check(world, bridged, green)).toContain("the nftables table bridge pontoon, which checks");
    expect(await world.host.must("/run/world/bin/pontoon restore")).toContain("pods");
    expect(await check(world, pods, red.pod)).toBeUndefined();
    expect(await check(world, bridged, green)).toBeUndefined();
    for (const [own, other] of [
      [red.pod, green],
      [green, red.pod],
    ] as const) {
      const title = own === green ? "bridge pontoon" : TABLE;
      const text = await world.host.must(`nft list table ${title}`);
      expect(text).toContain(await hostLinkOf(world, own));
      expect(text).not.toContain(await hostLinkOf(world, other));
    }
  },
);

scene(
  "CHECK says which loss or change lets false packets through, and the next ADD brings back a lost table",
  async (world) => {
    const { pods, red } = await redAndBlue(world);
    expect(await check(world, pods, red.pod)).toBeUndefined();
    const whole = await guards(world);
    const port = await hostLinkOf(world, red.pod);
    await world.host.must(`nft delete element ${TABLE} source4 { "${port}" . ${red.ip4} }`);
    expect(await check(world, pods, red.pod)).toContain(
      `with the source MAC ${red.mac} and the addresses ${red.ip4}, ${red.ip6} alone are missing`,
    );
    mustSucceed(await world.host.exec("/run/world/bin/pontoon restore"));
    expect(await check(world, pods, red.pod)).toBeUndefined();
    await world.host.must(`nft add element ${TABLE} source4 { "${port}" . ${OUTSIDE.ip4} }`);
    expect(await check(world, pods, red.pod)).toContain(
      `a set of the nftables table ${TABLE} has an element too many`,
    );
    await world.host.must(`nft delete table ${TABLE}`);
    const green = await world.pod("green");
    await add(world, pods, green);
    await del(world, pods, green);
    expect((await guards(world)).lines).toEqual(whole.lines);
    await world.host.must(`nft flush table ${TABLE}`);
    mustSucceed(await world.host.exec("/run/world/bin/pontoon restore"));
    expect((await guards(world)).lines).toEqual(whole.lines);
  },
);

for (const [way, remove] of DEL_WAYS)
  scene(
    `DEL ${way} takes the elements out and leaves those of others, and so does a second one`,
    async (world) => {
      const { pods, red, onlyBlue } = await redAndBlue(world);
      await remove(world, pods, red.pod);
      expect((await guards(world)).lines).toEqual(onlyBlue.lines);
      mustSucceed(await plugin(world, "DEL", { network: pods, containerId: red.pod.containerId, netns: "" }));
      expect((await guards(world)).lines).toEqual(onlyBlue.lines);
    },
  );

for (const records of ["with records", "without records"])
  scene(`GC ${records} takes out what belongs to no valid attachment of its network`, async (world) => {
    const { pods, blue, onlyBlue } = await redAndBlue(world);
    if (records === "without records") await world.host.must("rm -r /var/lib/cni/pontoon");
    mustSucceed(await collect(world, pods, [blue.pod]));
    expect((await guards(world)).lines).toEqual(onlyBlue.lines);
  });

for (const [way, between] of [
  ["DEL", "shut, not checked"],
  ["GC without a record", "gone, checked"],
] as const)
  scene(
    `${way}: at no moment is the pod's link open and not checked`,
    async (world) => {
      const pods = install(world, ptpNetwork("pods", { ipspoofchk: true }));
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
          const isChecked = (await world.host.must(`nft list table ${TABLE}`)).includes(port);
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

scene(
  "a restore beside a DEL leaves the pod's link shut once the DEL has shut it",
  async (world) => {
    const call = {
      network: install(world, ptpNetwork("pods", { ipspoofchk: true })),
      pod: await world.pod("red"),
    };
    const isShut = async (): Promise<boolean> => {
      const [link] = JSON.parse(
        (await world.host.exec(["ip", "-j", "link", "show", "type", "veth"])).stdout,
      ) as {
        flags: string[];
      }[];
      return link !== undefined && !link.flags.includes("UP");
    };
    const shut: Moment[] = [];
    await atEveryMoment(
      async (moment) => {
        await add(world, call.network, call.pod);
        await using deleting = await holdAtOrEnd(world, "DEL", call, moment);
        const stood = !deleting.isOver;
        const wasShut = stood && (await isShut());
        if (wasShut) {
          shut.push(moment);
          mustSucceed(await world.host.exec(RESTORE));
        }
        expect(wasShut && !(await isShut()), `raised before request ${moment.count}`).toBe(false);
        mustSucceed(await (stood ? deleting.goOn() : deleting.outcome));
        return stood;
      },
      ["sendto"],
    );
    const [first] = shut;
    await atEveryMoment(
      async (moment) => {
        await add(world, call.network, call.pod);
        await world.host.must(`ip route flush dev ${await hostLinkOf(world, call.pod)}`);
        await using restoring = await holdCommandAtOrEnd(world, RESTORE, moment);
        const stood = !restoring.isOver;
        await using deleting = await holdAt(world, "DEL", call, first!);
        await (stood ? restoring.goOn() : restoring.outcome);
        expect(await isShut(), `restore before request ${moment.count}`).toBe(true);
        mustSucceed(await deleting.goOn());
        return stood;
      },
      ["sendto"],
    );
  },
  60_000,
);

scene("what stays after DEL is the tables without elements", async (world) => {
  const plain = await warmUp(world, install(world, ptpNetwork("pods")));
  const pods = install(world, ptpNetwork("pods", { ipspoofchk: true }));
  const table = (title: string, chain: string, { rules, sets }: { rules: number; sets: string[] }) => [
    `+ nft chain ${title} ${chain}`,
    ...Array.from({ length: rules }, (_, at) => `+ nft rule ${title} ${chain} #${at + 1}`),
    ...sets.map((name) => `+ nft set ${title} ${name}`),
    `+ nft table ${title}`,
  ];
  const ofArp = ["addressed", "source", "source4"];
  expect((await warmUp(world, pods)).minus(plain).lines.toSorted()).toEqual(
    [
      ...table(TABLE, "prerouting", { rules: 13, sets: [...ofArp, "guarded", "source6", "target6"] }),
      ...table("arp pontoon-source", "input", { rules: 5, sets: ofArp }),
    ].toSorted(),
  );
});

scene("a foreign IPAM plugin: no address passes before it has named them, then these do", async (world) => {
  addScript(
    world,
    "named",
    `#!/bin/sh
[ "$CNI_COMMAND" = ADD ] || exit 0
nft list table ${TABLE} > /run/world/meanwhile
echo '{"cniVersion":"1.0.0","ips":[{"address":"10.1.0.7/24","gateway":"10.1.0.1"}]}'
`,
  );
  const foreign = foreignNetwork("pods", { type: "named" }, { ipspoofchk: true });
  const { bridge: _, ...entry } = foreign.plugins[0];
  const pods = install(world, { ...foreign, plugins: [{ ...entry, attach: "ptp" }] });
  const red = await world.pod("red");
  await add(world, pods, red);
  const port = await hostLinkOf(world, red);
  expect(world.read("/run/world/meanwhile")).toContain(port);
  expect(world.read("/run/world/meanwhile")).not.toContain("10.1.0.7");
  expect(await world.host.must(`nft list table ${TABLE}`)).toContain(`"${port}" . 10.1.0.7`);
  expect(await check(world, pods, red)).toBeUndefined();
  expect(await pings(red, "10.1.0.1")).toBe(true);
});

interface Attached {
  pod: Pod;
  mac: string;
  /** The MAC of the host's end. */
  gatewayMac: string;
  ip4: string;
  ip6: string;
  /** The link-local address. */
  local: string;
}

interface Stage {
  pods: Network;
  neighbour: Neighbour;
  red: Attached;
  blue: Attached;
  /** The tables before red was added. */
  onlyBlue: { lines: string[] };
}

async function redAndBlue(world: World, wishes: NetworkWishes = {}): Promise<Stage> {
  const neighbour = await addNeighbour(world);
  const subnets = ["10.1.0.0/24", "fd01::/64"];
  const pods = install(world, ptpNetwork("pods", { ipspoofchk: true, subnets, ...wishes }));
  const attach = async (name: string): Promise<Attached> => {
    const pod = await world.pod(name);
    const [ip4 = "", ip6 = ""] = addressesOf(await add(world, pods, pod));
    const { address: mac } = await linkOf(pod, "eth0");
    const { address: gatewayMac } = await linkOf(world.host, await hostLinkOf(world, pod));
    const [, local = ""] =
      /inet6 (fe80:[0-9a-f:]+)/.exec(await pod.must("ip -6 address show dev eth0")) ?? [];
    return { pod, mac, gatewayMac, ip4, ip6, local };
  };
  const blue = await attach("blue");
  const onlyBlue = await guards(world);
  return { pods, neighbour, blue, onlyBlue, red: await attach("red") };
}

/** What there is in the tables that check. */
async function guards(world: World): Promise<{ lines: string[] }> {
  const all = await snapshot(world);
  return { lines: [TABLE, "arp pontoon-source"].flatMap((table) => all.inTable(table).lines) };
}

/**
 * Sends packets from the pod, each to an address of its own, and looks which of them come to a chain of the
 * node behind Pontoon's.
 */
async function expectPast(
  world: World,
  { pod, mac, ip4, ip6 }: Attached,
  family: 4 | 6,
  packets: Record<string, [Made, boolean]>,
): Promise<void> {
  const [type, field] = family === 4 ? ["ipv4_addr", "ip daddr"] : ["ipv6_addr", "ip6 daddr"];
  const link = await hostLinkOf(world, pod);
  await world.host.must(["nft", "-f", "-"], {
    stdin: `table inet witness
delete table inet witness
table inet witness {
  set seen { type ${type}; flags dynamic; size 1000; }
  chain prerouting {
    type filter hook prerouting priority -440
    iifname "${link}" add @seen { ${field} }
  }
}
`,
  });
  const names = Object.keys(packets);
  const to = (at: number): string => (family === 4 ? `10.77.0.${at + 1}` : `ff02::77:${at + 1}`);
  const body = udp(7, 7);
  const last =
    family === 4
      ? ipv4({ from: ip4, to: to(names.length), protocol: 17, body })
      : ipv6({ from: ip6, to: to(names.length), protocol: 17, body });
  const all = [...Object.values(packets).map(([made], at) => made(to(at))), last];
  await send(
    pod,
    all.map((packet) => bytesOf({ to: BROADCAST, from: mac, ...packet })),
  );
  let seen = "";
  const isSeen = (at: number): boolean => new RegExp(`\\b${to(at)}[ ,]`).test(seen);
  await waitFor("the last packet has come", async () => {
    seen = await world.host.must("nft list set inet witness seen");
    return isSeen(names.length);
  });
  expect(names.filter((_, at) => isSeen(at))).toEqual(names.filter((name) => packets[name]?.[1]));
}
