// Chains that drop frames: between ports of a bridge, at devices, and in the hook "forward" where the packet
// filter sees bridged packets. Ping is the judge.
import { expect } from "vitest";
import { mustApply } from "../support/cluster.ts";
import { add } from "../support/cni.ts";
import {
  type DoctorFinding,
  doctor,
  expectContent,
  faultsOf,
  filterBridges,
  healthyNode,
  runCures,
  runDoctor,
} from "../support/doctor.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import type { Pod, World } from "../support/world.ts";

const V4 = { subnets: ["10.1.0.0/24"] };
const TOOLS = /\b(ip6?tables-(?:nft|legacy))\b/g;

const onHost = (world: World, command: string): Promise<string> =>
  world.host.must(["sh", "-c", command.replaceAll(TOOLS, (tool) => toolPath(tool))]);

/** Forgets neighbours first, so that those are looked for as well. */
async function reaches(pod: Pod, address: string, seconds = 1): Promise<boolean> {
  await pod.must("ip neighbour flush all");
  return (await pod.exec(["ping", "-c1", `-W${seconds}`, address])).status === 0;
}

const trace = async (world: World, from: string, to: string): Promise<string> =>
  (await runDoctor(world, "--trace", from, to)).stdout;

interface Scene {
  name: string;
  /** HOST stands for the host's end of the first pod. */
  command: string;
  says: RegExp;
  proof: RegExp;
  /** The ways that it stops, and those that it does not. */
  stops: [from: "red" | "blue", to: string][];
  leaves: [from: "red" | "blue", to: string][];
}

const BLUE = "10.1.0.3";
const FAR = "192.168.50.2";
const table = (family: string, hook: string, rules: string, policy = "accept") =>
  `nft 'table ${family} mine { chain through { type filter hook ${hook} priority 0; policy ${policy}; ${rules} }; }'`;

const SCENES: Scene[] = [
  {
    name: "a table of family bridge that drops all",
    command: table("bridge", "forward", "", "drop"),
    says: /^chain through of table bridge mine drops what pods send each other$/,
    proof: /^its policy is drop/,
    stops: [["red", BLUE]],
    leaves: [["red", FAR]],
  },
  {
    name: "a table of family bridge that drops one subnet",
    command: table("bridge", "forward", "ether type ip ip saddr 10.1.0.0/24 drop;"),
    says: /^chain through of table bridge mine drops what pods send each other$/,
    proof: /^its rule is: .*ip saddr 10\.1\.0\.0\/24 drop$/,
    stops: [["red", BLUE]],
    leaves: [["red", FAR]],
  },
  {
    name: "a table of family bridge that drops what leaves by one port",
    command: table("bridge", "forward", 'oifname "HOST" drop;'),
    says: /^chain through of table bridge mine drops what pods send each other$/,
    proof: /^its rule is: oifname "veth\w+" drop$/,
    stops: [["blue", "10.1.0.2"]],
    leaves: [["red", FAR]],
  },
  {
    name: "a chain of ebtables",
    command: "ebtables-nft -P FORWARD DROP",
    says: /^chain FORWARD of table bridge filter drops what pods send each other$/,
    proof: /^its policy is drop/,
    stops: [["red", BLUE]],
    leaves: [["red", FAR]],
  },
  {
    name: "a chain of ebtables for what pods send to the node",
    command: "ebtables-nft -P INPUT DROP",
    says: /^chain INPUT of table bridge filter drops what pods send beyond the node$/,
    proof: /^its policy is drop/,
    stops: [["red", FAR]],
    leaves: [["red", BLUE]],
  },
  {
    name: "a table of family bridge at its last hook",
    command: table("bridge", "postrouting", "ip daddr 10.1.0.0/24 drop;"),
    says: /^chain through of table bridge mine drops the answers to pods from beyond the node, and what they send each other$/,
    proof: /^its rule is: .*ip daddr 10\.1\.0\.0\/24 drop$/,
    stops: [
      ["red", FAR],
      ["red", BLUE],
    ],
    leaves: [],
  },
  {
    name: "a chain at the ingress of a pod's port",
    command: table("netdev", 'ingress device "HOST"', "", "drop"),
    says: /^chain through of table netdev mine drops what pods send beyond the node, and what they send each other$/,
    proof: /^its policy is drop/,
    stops: [
      ["red", FAR],
      ["red", BLUE],
    ],
    leaves: [["blue", FAR]],
  },
  {
    name: "a chain at the egress of a pod's port",
    command: table("netdev", 'egress device "HOST"', "ip daddr 10.1.0.2 drop;"),
    says: /^chain through of table netdev mine drops the answers to pods from beyond the node, and what they send each other$/,
    proof: /^its rule is: .*ip daddr 10\.1\.0\.2 drop$/,
    stops: [
      ["red", FAR],
      ["red", BLUE],
    ],
    leaves: [["blue", FAR]],
  },
  {
    name: "a chain at the ingress of the bridge",
    command: table("netdev", 'ingress device "pods0"', "ip saddr 10.1.0.0/24 drop;"),
    says: /^chain through of table netdev mine drops what pods send beyond the node$/,
    proof: /^its rule is: .*ip saddr 10\.1\.0\.0\/24 drop$/,
    stops: [["red", FAR]],
    leaves: [["red", BLUE]],
  },
  {
    name: "a chain of family inet at the ingress of the bridge",
    command: table("inet", 'ingress device "pods0"', "ip saddr 10.1.0.0/24 drop;"),
    says: /^chain through of table inet mine drops what pods send beyond the node$/,
    proof: /^its rule is: .*ip saddr 10\.1\.0\.0\/24 drop$/,
    stops: [["red", FAR]],
    leaves: [["red", BLUE]],
  },
];

for (const { name, command, says, proof, stops, leaves } of SCENES)
  scene(`the doctor and a trace name ${name}, and the printed command mends it`, async (world) => {
    const { all } = await healthyNode(world, V4);
    await filterBridges(world, false);
    const pods = { red: all[0]!, blue: all[1]! };
    await onHost(world, command.replaceAll("HOST", await hostLinkOf(world, pods.red)));
    const { faults } = await named(world, says, proof);
    for (const [from, to] of stops) {
      expect(await reaches(pods[from], to, 0.3)).toBe(false);
      expect(await trace(world, from === "red" ? "10.1.0.2" : BLUE, to)).toMatch(
        /✗ chain \w+ of table \w+ \w+ drops/,
      );
    }
    for (const [from, to] of leaves) {
      expect(await reaches(pods[from], to)).toBe(true);
      expect(await trace(world, from === "red" ? "10.1.0.2" : BLUE, to)).not.toContain("✗");
    }
    await runCures(world, faults);
    await expectContent(world);
    for (const [from, to] of stops) expect(await reaches(pods[from], to)).toBe(true);
  });

/** The one fault that the doctor finds. */
async function named(world: World, says: RegExp, proof: RegExp): Promise<{ faults: DoctorFinding[] }> {
  const faults = faultsOf(await doctor(world));
  expect(faults).toMatchObject([
    { sentence: expect.stringMatching(says), proof: expect.stringMatching(proof), cure: expect.any(String) },
  ]);
  return { faults };
}

scene("chains of the way out that drop what pods send, or the answers, are named", async (world) => {
  const { all } = await healthyNode(world, V4);
  for (const [hook, says] of [
    ['egress device "uplink"', "what pods send beyond the node"],
    ['ingress device "uplink"', "the answers to pods from beyond the node"],
  ] as const) {
    await onHost(world, table("netdev", hook, "ip protocol icmp accept; drop;"));
    expect(faultsOf(await doctor(world))).toEqual([]);
    await onHost(world, "nft flush chain netdev mine through; nft add rule netdev mine through drop");
    expect(faultsOf(await doctor(world))).toMatchObject([
      {
        sentence: `chain through of table netdev mine drops ${says}`,
        advice: "Let those packets pass, or take the chain away: nft delete chain netdev mine through",
      },
    ]);
    expect(await reaches(all[0]!, FAR, 0.3)).toBe(false);
    expect(await trace(world, "10.1.0.2", FAR)).toContain("✗ chain through of table netdev mine drops");
    await onHost(world, "nft delete chain netdev mine through; nft delete table netdev mine");
    await expectContent(world);
  }
});

scene("chains of frames that drop others are no fault, and those that may are notes", async (world) => {
  const { all } = await healthyNode(world, V4);
  await filterBridges(world, false);
  const host = await hostLinkOf(world, all[0]!);
  await onHost(
    world,
    table("bridge", "forward", 'iifname "other" drop; ip saddr 10.9.0.0/16 drop; ether type vlan drop;'),
  );
  await onHost(
    world,
    `nft 'table netdev their { chain in { type filter hook ingress device "${host}" priority 0; ip saddr != 10.1.0.0/24 drop; }; }'`,
  );
  expect((await doctor(world)).findings).toEqual([]);
  expect(await reaches(all[0]!, BLUE)).toBe(true);
  await onHost(world, "nft add rule bridge mine through tcp dport 25 drop");
  expect((await doctor(world)).findings).toMatchObject([
    {
      severity: "note",
      sentence: expect.stringMatching(
        /^chain through of table bridge mine may drop what pods send each other: .*th dport 25 drop$/,
      ),
    },
  ]);
  expect(await trace(world, "10.1.0.2", `${BLUE}:25`)).toContain(
    "✗ chain through of table bridge mine drops the packet",
  );
});

scene(
  "pods whose ports are isolated are not to reach each other, so no chain is at fault for that",
  async (world) => {
    await healthyNode(world, { ...V4, portIsolation: true });
    await onHost(world, table("bridge", "forward", "", "drop"));
    await expectContent(world);
  },
);

for (const [program, rule] of [
  ["iptables-nft", "chain FORWARD of table ip filter"],
  ["iptables-legacy", "chain FORWARD of iptables-legacy"],
] as const)
  scene(
    `${program}: FORWARD DROP stops pods of one bridge where bridge-nf-call-iptables is 1, and not where it is 0`,
    async (world) => {
      const inner = { ...V4, ipMasq: false, isGateway: false };
      const pods = install(world, network("pods", inner));
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      for (const pod of [red, blue]) await add(world, pods, pod);
      await onHost(world, `${program} -P FORWARD DROP`);
      await filterBridges(world, false);
      expect(await reaches(red, BLUE)).toBe(true);
      await expectContent(world);
      expect(await trace(world, "red", "blue")).not.toContain("✗");
      await filterBridges(world, true);
      expect(await reaches(red, BLUE, 0.3)).toBe(false);
      const faults = faultsOf(await doctor(world));
      expect(faults).toMatchObject([
        {
          sentence: `${rule} drops what pods send each other`,
          proof: "its policy is drop, and no rule accepts them; bridge-nf-call-iptables is on",
        },
      ]);
      expect(await trace(world, "red", "blue")).toContain(`✗ ${rule} drops the packet.`);
      await runCures(world, faults);
      await expectContent(world);
      expect(await reaches(red, BLUE)).toBe(true);
      expect(await trace(world, "red", "blue")).not.toContain("✗");
    },
  );

scene(
  "a chain that drops frames of both families is one fault, whose command lets both pass",
  async (world) => {
    const { all } = await healthyNode(world);
    await onHost(world, table("bridge", "forward", "", "drop"));
    const { faults } = await named(world, /drops what pods send each other$/, /^its policy is drop/);
    for (const address of [BLUE, "fd01::3"]) expect(await reaches(all[0]!, address, 0.3)).toBe(false);
    await runCures(world, faults);
    await expectContent(world);
    for (const address of [BLUE, "fd01::3"]) expect(await reaches(all[0]!, address)).toBe(true);
  },
);

scene(
  "where one family alone has an address of the node at the way out, its advice is apart from the command for the other",
  async (world) => {
    await healthyNode(world, { ipMasq: false });
    await mustApply(world.host, {
      version: 1,
      podSubnets: ["10.1.0.0/24"],
      routes: [],
      masquerade: { except: [] },
    });
    await onHost(world, table("netdev", "egress device uplink", "", "drop"));
    const faults = faultsOf(await doctor(world));
    expect(faults.map(({ cure, advice }) => cure ?? advice)).toEqual([
      "Let those packets pass, or take the chain away: nft delete chain netdev mine through",
      expect.stringMatching(/^nft insert rule netdev mine through ip6 saddr fd01::/),
    ]);
  },
);
