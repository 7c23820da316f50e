// ipspoofchk: from a pod's port come packets from the pod's own addresses, claims for these alone, and
// nothing else, however the frame is made.
import { expect } from "vitest";
import { add, addressesOf, type CniResult, check, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import {
  arp,
  BROADCAST,
  type Frame,
  fragmentHeader,
  icmp6,
  ipv4,
  ipv6,
  optionsHeader,
  type Packet,
  passing,
  udp,
} from "../support/frame.ts";
import { addScript, foreignNetwork } from "../support/ipam.ts";
import { hostLinkOf, linkOf } from "../support/link.ts";
import { install, type NetworkWishes, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { connect, pings, serve } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

const BOTH = ["10.1.0.0/24", "fd01::/64"];
const ALL6 = "ff02::1";
const OTHER_MAC = "0a:58:0a:01:00:63";

scene("IPv4: a packet comes from the pod's own address or not at all, in fragments too", async (world) => {
  const { red, blue } = await redAndBlue(world);
  const from = (source: string, fragment = 0): Packet =>
    ipv4({ from: source, to: "10.1.0.255", protocol: 17, body: udp(7, 7), fragment });
  await expectPassing(
    world,
    { red, blue },
    {
      "its own address": [from(red.ip4), true],
      "a first fragment": [from(red.ip4, 0x2000), true],
      "a later fragment": [from(red.ip4, 100), true],
      "the other pod's": [from(blue.ip4), false],
      "the gateway's": [from("10.1.0.1"), false],
      "another one": [from("10.99.0.9"), false],
      "a first fragment of another": [from(blue.ip4, 0x2000), false],
      "a later fragment of another": [from(blue.ip4, 100), false],
      "no address": [from("0.0.0.0"), false],
      loopback: [from("127.0.0.1"), false],
      "a question for a DHCP server": [dhcpQuestion(), false],
      "a packet without an address in it": [{ type: 0x0800, body: Uint8Array.of(0x45) }, false],
    },
  );
});

scene("ARP: a pod claims its own address with its own MAC, and may ask whether it is free", async (world) => {
  const { red, blue } = await redAndBlue(world);
  const claim = { mac: red.mac, ip: red.ip4, target: blue.ip4 };
  await expectPassing(
    world,
    { red, blue },
    {
      "a question": [arp(claim), true],
      "an answer": [arp({ ...claim, isReply: true }), true],
      "an announcement": [arp({ ...claim, target: red.ip4 }), true],
      "a probe for its own address": [arp({ ...claim, ip: "0.0.0.0", target: red.ip4 }), true],
      "a probe for another": [arp({ ...claim, ip: "0.0.0.0" }), false],
      "a question from another": [arp({ ...claim, ip: blue.ip4, target: red.ip4 }), false],
      "an answer for another": [arp({ ...claim, ip: blue.ip4, isReply: true }), false],
      "an answer for the gateway": [arp({ ...claim, ip: "10.1.0.1", isReply: true }), false],
      "its address with another MAC": [arp({ ...claim, mac: blue.mac, isReply: true }), false],
      "a probe with another MAC": [arp({ ...claim, mac: blue.mac, ip: "0.0.0.0", target: red.ip4 }), false],
      "other lengths": [arp({ ...claim, lengths: [8, 4] }), false],
    },
  );
});

scene("IPv6: a packet comes from the pod's own addresses or not at all, in fragments too", async (world) => {
  const { red, blue } = await redAndBlue(world);
  const from = (source: string, headers?: [number, Uint8Array], protocol = 17): Packet =>
    ipv6({ from: source, to: ALL6, protocol, body: udp(7, 7), ...(headers ? { headers } : {}) });
  await expectPassing(
    world,
    { red, blue },
    {
      "its own address": [from(red.ip6), true],
      "its link-local address": [from(red.local), true],
      "its own, with options": [from(red.ip6, optionsHeader(17)), true],
      "a first fragment": [from(red.ip6, fragmentHeader(17, 1)), true],
      "a later fragment": [from(red.ip6, fragmentHeader(17, 80)), true],
      "a later fragment of a ping": [from(red.ip6, fragmentHeader(58, 80)), true],
      "the other pod's": [from(blue.ip6), false],
      "the other pod's link-local address": [from(blue.local), false],
      "another one": [from("2001:db8::9"), false],
      "another one, with options": [from(blue.ip6, optionsHeader(17)), false],
      "a first fragment of another": [from(blue.ip6, fragmentHeader(17, 1)), false],
      "a later fragment of another": [from(blue.ip6, fragmentHeader(17, 80)), false],
      "no address": [from("::"), false],
      "one of IPv4 in it": [from("::ffff:10.1.0.2"), false],
      "a packet without an address in it": [{ type: 0x86dd, body: Uint8Array.of(0x60, 0, 0, 0) }, false],
    },
  );
});

scene(
  "ND: a pod answers for its own addresses, and is no router, behind headers and fragments too",
  async (world) => {
    const { red, blue } = await redAndBlue(world);
    const message = (
      type: number,
      { from = red.ip6, target }: { from?: string; target?: string } = {},
      wrap?: (protocol: number) => [number, Uint8Array],
    ): Packet => {
      const body = icmp6(type, { from, to: ALL6, ...(target ? { target } : {}) });
      return ipv6({ from, to: ALL6, protocol: 58, body, ...(wrap ? { headers: wrap(58) } : {}) });
    };
    const [echo, router, solicit, advert, redirect, report] = [128, 134, 135, 136, 137, 143] as const;
    const inFirst = (protocol: number) => fragmentHeader(protocol, 1);
    // Options of 16 bytes, of which the first fragment has 8: the message is in the second one.
    const cutOff: [number, Uint8Array] = [
      44,
      Uint8Array.of(...fragmentHeader(60, 1)[1], 58, 1, 1, 12, 0, 0, 0, 0),
    ];
    const none = { from: "::" };
    await expectPassing(
      world,
      { red, blue },
      {
        "an answer for its own": [message(advert, { target: red.ip6 }), true],
        "an answer for its link-local address": [
          message(advert, { from: red.local, target: red.local }),
          true,
        ],
        "a question for another": [message(solicit, { target: blue.ip6 }), true],
        "is its own address free": [message(solicit, { ...none, target: red.ip6 }), true],
        "is its link-local address free": [message(solicit, { ...none, target: red.local }), true],
        "membership in groups": [message(report, none), true],
        "a ping": [message(echo), true],
        "a first fragment of a ping": [message(echo, {}, inFirst), true],
        "an answer for another": [message(advert, { target: blue.ip6 }), false],
        "an answer for the gateway": [message(advert, { target: "fd01::1" }), false],
        "an answer from another": [message(advert, { from: blue.ip6, target: blue.ip6 }), false],
        "an answer from nobody": [message(advert, { ...none, target: red.ip6 }), false],
        "an answer for another behind options": [message(advert, { target: blue.ip6 }, optionsHeader), false],
        "an answer for another in a fragment": [message(advert, { target: blue.ip6 }, inFirst), false],
        "a fragment that hides its message": [
          ipv6({ from: red.ip6, to: ALL6, protocol: 58, body: new Uint8Array(), headers: cutOff }),
          false,
        ],
        "a question from another": [message(solicit, { from: blue.ip6, target: red.ip6 }), false],
        "is the other's address free": [message(solicit, { ...none, target: blue.ip6 }), false],
        "a ping from nobody": [message(echo, none), false],
        "a router's advertisement": [message(router, { from: red.local }), false],
        "a redirect": [message(redirect, { from: red.local, target: blue.ip6 }), false],
      },
    );
  },
);

scene(
  "VLAN tags and other protocols: one tag is looked behind, and what is not IP does not pass",
  async (world) => {
    const { red, blue } = await redAndBlue(world);
    const own = ipv4({ from: red.ip4, to: blue.ip4, protocol: 17, body: udp(7, 7) });
    const other = ipv4({ from: blue.ip4, to: red.ip4, protocol: 17, body: udp(7, 7) });
    const claim = arp({ mac: red.mac, ip: red.ip4, target: blue.ip4 });
    const falseClaim = arp({ mac: red.mac, ip: blue.ip4, target: red.ip4 });
    const answer = icmp6(136, { from: red.ip6, to: ALL6, target: blue.ip6 });
    const falseAnswer = ipv6({ from: red.ip6, to: ALL6, protocol: 58, body: answer });
    const tag = { protocol: 0x8100, vlan: 5 };
    const outer = { protocol: 0x88a8, vlan: 6 };
    const tagged = (packet: Packet, ...tags: NonNullable<Frame["tags"]>) => ({ ...packet, tags });
    await expectPassing(
      world,
      { red, blue },
      {
        "its own behind a tag": [tagged(own, tag), true],
        "its own behind a service tag": [tagged(own, outer), true],
        "its own claim behind a tag": [tagged(claim, tag), true],
        "another's behind a tag": [tagged(other, tag), false],
        "a false claim behind a tag": [tagged(falseClaim, tag), false],
        "a false answer behind a tag": [tagged(falseAnswer, tag), false],
        "another's behind two tags": [tagged(other, outer, tag), false],
        "another's behind two tags of one kind": [tagged(other, tag, tag), false],
        "a false claim behind two tags": [tagged(falseClaim, outer, tag), false],
        "its own behind two tags": [tagged(own, outer, tag), false],
        MPLS: [{ type: 0x8847, body: other.body }, false],
        PPPoE: [{ type: 0x8864, body: other.body }, false],
        "reverse ARP": [{ type: 0x8035, body: falseClaim.body }, false],
        LLC: [{ type: 46, body: other.body }, false],
        "another's with its own MAC as another": [{ ...own, from: OTHER_MAC }, false],
      },
    );
  },
);

scene("a false claim changes nothing of what the node and other pods know", async (world) => {
  const { red, blue } = await redAndBlue(world);
  for (const address of [blue.ip4, blue.ip6]) expect(await pings(world.host, address)).toBe(true);
  const answer = icmp6(136, { from: red.ip6, to: ALL6, target: blue.ip6 });
  await expectPassing(
    world,
    { red, blue },
    {
      ARP: [arp({ mac: red.mac, ip: blue.ip4, target: "10.1.0.1", isReply: true }), false],
      gratuitous: [arp({ mac: red.mac, ip: blue.ip4, target: blue.ip4 }), false],
      ND: [ipv6({ from: red.ip6, to: ALL6, protocol: 58, body: answer }), false],
    },
  );
  const known = await world.host.must("ip neighbour show dev pods0");
  for (const address of [blue.ip4, blue.ip6])
    expect(known).toMatch(new RegExp(`^${address} lladdr ${blue.mac} `, "m"));
});

scene(
  "what an ordinary pod does works: pings of all sizes, TCP, both families, host ports by itself",
  async (world) => {
    const { pods, red, blue } = await redAndBlue(world, {
      capabilities: { portMappings: true },
      hairpinMode: true,
      enabledad: true,
    });
    const green = await world.pod("green");
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
    const { stdout } = mustSucceed(
      await plugin(world, "ADD", { network: pods, pod: green, more: { runtimeConfig: { portMappings } } }),
    );
    for (const address of [
      ...red.gateways,
      blue.ip4,
      blue.ip6,
      ...addressesOf(JSON.parse(stdout) as CniResult),
    ]) {
      expect(await pings(red.pod, address), address).toBe(true);
      expect((await red.pod.exec(`ping -n -c 1 -W 1 -s 20000 ${address}`)).status, address).toBe(0);
      expect(await pings(world.host, address), address).toBe(true);
    }
    await using _own = await serve(green, "tcp", "0.0.0.0", 80);
    await using _other = await serve(blue.pod, "tcp", "::", 81);
    expect(await connect(red.pod, blue.ip6, 81)).toContain("blue saw");
    for (const from of [red.pod, green, world.host])
      expect(await connect(from, "10.1.0.1", 8080), from.name).toContain("green saw");
  },
);

scene(
  "CHECK names the address whose elements are lost, and the next ADD brings back a lost table",
  async (world) => {
    const { pods, red } = await redAndBlue(world);
    expect(await check(world, pods, red.pod)).toBeUndefined();
    const whole = (await snapshot(world)).inTable("bridge pontoon");
    const port = await hostLinkOf(world, red.pod);
    await world.host.must(`nft delete element bridge pontoon source4 { "${port}" . ${red.ip4} }`);
    expect(await check(world, pods, red.pod)).toContain(
      `with the source MAC ${red.mac} and the addresses ${red.ip4}, ${red.ip6} alone are missing`,
    );
    expect(await world.host.must("/run/world/bin/pontoon restore")).toContain("pods");
    expect(await check(world, pods, red.pod)).toBeUndefined();
    await world.host.must("nft flush ruleset");
    const green = await world.pod("green");
    const call = { network: pods, pod: green };
    mustSucceed(await plugin(world, "ADD", call));
    mustSucceed(await plugin(world, "DEL", call));
    expect((await snapshot(world)).inTable("bridge pontoon").lines).toEqual(whole.lines);
  },
);

for (const records of ["with a record", "without a record"]) {
  scene(`DEL ${records} takes out all elements of the pod, and those of others stay`, async (world) => {
    const { pods, red, blue } = await redAndBlue(world);
    if (records === "without a record") await world.host.must("rm -r /var/lib/cni/pontoon");
    mustSucceed(await plugin(world, "DEL", { network: pods, pod: red.pod }));
    const table = await world.host.must("nft list table bridge pontoon");
    expect(table).toContain(blue.ip4);
    expect(table).not.toContain(red.ip4);
    mustSucceed(await plugin(world, "DEL", { network: pods, pod: blue.pod }));
    expect((await snapshot(world)).inTable("bridge pontoon").elements.lines).toEqual([]);
  });
}

scene(
  "a foreign IPAM plugin: before it has named addresses none passes, then these, and a failed ADD leaves none",
  async (world) => {
    // The plugin notes what the table has at that moment. Its second call gives an address that is refused.
    addScript(
      world,
      "named",
      `#!/bin/sh
[ "$CNI_COMMAND" = ADD ] || exit 0
nft list table bridge pontoon > /run/world/meanwhile
echo '{"cniVersion":"1.0.0","ips":[{"address":"10.1.0.7/24"}]}'
`,
    );
    const pods = install(world, foreignNetwork("pods", { type: "named" }, { ipspoofchk: true }));
    const red = await world.pod("red");
    await add(world, pods, red);
    const port = await hostLinkOf(world, red);
    const meanwhile = world.read("/run/world/meanwhile");
    const after = await world.host.must("nft list table bridge pontoon");
    expect(setOf(meanwhile, "addressed")).toContain(port);
    expect(setOf(meanwhile, "source4")).not.toContain(port);
    expect(setOf(meanwhile, "source6")).toContain(`"${port}" . fe80:`);
    expect(setOf(after, "source4")).toContain(`"${port}" . 10.1.0.7`);
    expect(setOf(after, "dhcp")).not.toContain(port);
    expect(await check(world, pods, red)).toBeUndefined();
    expect(await pings(red, "10.1.0.1")).toBe(true);
    const before = (await snapshot(world)).inTable("bridge pontoon").lines;
    mustFail(await plugin(world, "ADD", { network: pods, pod: await world.pod("blue") }));
    expect((await snapshot(world)).inTable("bridge pontoon").lines).toEqual(before);
  },
);

scene("without ipam ipspoofchk is refused, and DEL is not", async (world) => {
  const plain = network("pods", { ipspoofchk: true, isGateway: false, ipMasq: false });
  delete plain.plugins[0].ipam;
  install(world, plain);
  const call = { network: plain, pod: await world.pod("red") };
  expect(mustFail(await plugin(world, "ADD", call))).toMatchObject({
    code: 7,
    msg: expect.stringContaining("needs ipam: without addresses nothing of the pod's would pass"),
  });
  mustSucceed(await plugin(world, "DEL", call));
});

interface Attached {
  pod: Pod;
  mac: string;
  ip4: string;
  ip6: string;
  /** The link-local address. */
  local: string;
  gateways: string[];
}

async function redAndBlue(world: World, wishes: NetworkWishes = {}) {
  const pods = install(world, network("pods", { ipspoofchk: true, subnets: BOTH, ...wishes }));
  const attach = async (name: string): Promise<Attached> => {
    const pod = await world.pod(name);
    const result = await add(world, pods, pod);
    const [ip4 = "", ip6 = ""] = addressesOf(result);
    const { address: mac } = await linkOf(pod, "eth0");
    const [, local = ""] =
      /inet6 (fe80:[0-9a-f:]+)/.exec(await pod.must("ip -6 address show dev eth0")) ?? [];
    return { pod, mac, ip4, ip6, local, gateways: (result.ips ?? []).map(({ gateway }) => gateway!) };
  };
  return { pods, red: await attach("red"), blue: await attach("blue") };
}

function dhcpQuestion(): Packet {
  return ipv4({ from: "0.0.0.0", to: "255.255.255.255", protocol: 17, body: udp(68, 67) });
}

/** Sends what the pod may and may not send to all, and looks at what the other pod and the node receive. */
async function expectPassing(
  world: World,
  { red: { pod, mac, ip4 }, blue }: Record<"red" | "blue", Attached>,
  packets: Record<string, [Packet & Partial<Frame>, boolean]>,
): Promise<void> {
  const frames: Record<string, Frame> = {};
  for (const [name, [packet]] of Object.entries(packets))
    frames[name] = { to: BROADCAST, from: mac, ...packet };
  const right = Object.keys(packets).filter((name) => packets[name]?.[1]);
  const last: Frame = { to: BROADCAST, from: mac, ...arp({ mac, ip: ip4, target: ip4 }) };
  // The packet filter cuts off what stands behind a packet, and so the marks of the frames.
  for (const family of ["ip", "ip6"])
    await world.host.must(`sysctl -q -w net.bridge.bridge-nf-call-${family}tables=0`);
  expect(await passing(pod, { place: blue.pod, link: "eth0" }, frames, last)).toEqual(right);
  expect(await passing(pod, { place: world.host, link: "pods0" }, frames, last)).toEqual(right);
}

/** The text of one set in what `nft` lists. */
function setOf(table: string, name: string): string {
  const [, text = ""] = new RegExp(`set ${name} \\{([^]*?)\\n\\t\\}`).exec(table) ?? [];
  return text;
}
