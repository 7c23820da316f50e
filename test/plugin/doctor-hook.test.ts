// Chains of others at every hook that a packet of a pod meets: a trace names the one that drops it, and one
// that hands it to another program. Ping is the judge.
import { expect } from "vitest";
import { add } from "../support/cni.ts";
import { doctor, expectContent, faultsOf, filterBridges, healthyNode, runDoctor } from "../support/doctor.ts";
import { portArgs, portNetwork } from "../support/host-port.ts";
import { addNeighbour } from "../support/neighbour.ts";
import type { Place } from "../support/place.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import { connect, serve } from "../support/traffic.ts";
import type { World } from "../support/world.ts";

const RED = "10.1.0.2";
const BLUE = "10.1.0.3";
const GATEWAY = "10.1.0.1";
const FAR = "192.168.50.2";
const NODE = "192.168.50.1";

const onHost = (world: World, command: string): Promise<string> =>
  world.host.must([
    "sh",
    "-c",
    command.replaceAll(/\bip6?tables-(?:nft|legacy)\b/g, (tool) => toolPath(tool)),
  ]);

const chain = (family: string, type: string, hook: string, rule: string) =>
  `nft 'table ${family} mine { chain through { type ${type} hook ${hook}; ${rule}; }; }'`;
const MINE = (family: string) => `chain through of table ${family} mine`;

interface Case {
  command: string;
  undo?: string;
  from: string;
  to: string;
  /** Whether the ping is answered, and what the trace says. */
  drops: boolean;
  says: string;
  bridged?: boolean;
}

const inet = (type: string, hook: string, rule: string, ends: Omit<Case, "command">): Case => ({
  command: chain("inet", type, hook, rule),
  ...ends,
});
const out = { from: RED, to: FAR };
const packet = { drops: true, says: `✗ ${MINE("inet")} drops the packet.` };
const answer = { drops: true, says: `✗ ${MINE("inet")} drops the answer.` };
const fine = { drops: false, says: `${MINE("inet")} (policy accept)` };

const ROUTED: Case[] = [
  inet("filter", "postrouting priority 95", `ip saddr ${RED} drop`, { ...out, ...packet }),
  inet("filter", "postrouting priority 95", `ip saddr ${BLUE} drop`, { ...out, ...fine }),
  inet("filter", "postrouting priority 95", 'oifname "uplink" drop', { ...out, ...packet }),
  inet("filter", "prerouting priority 0", 'iifname "pods0" reject', { ...out, ...packet }),
  inet("filter", "postrouting priority 95", `ip daddr ${RED} drop`, { ...out, ...answer }),
  // Behind srcnat the packet has an address of the node.
  inet("filter", "postrouting priority 101", `ip saddr ${RED} drop`, {
    ...out,
    drops: false,
    says: `, unless this rule fits: ip saddr ${RED} drop`,
  }),
  inet("filter", "prerouting priority -300", `iifname "pods0" ip saddr ${RED} drop`, { ...out, ...packet }),
  inet("filter", "prerouting priority -300", `ip saddr ${FAR} drop`, { ...out, ...answer }),
  // Before dstnat the answer has an address of the node, behind it the pod's.
  inet("filter", "prerouting priority -99", `ip daddr ${RED} drop`, { ...out, ...answer }),
  inet("filter", "prerouting priority -150", `ip daddr ${RED} drop`, {
    ...out,
    drops: false,
    says: `, unless this rule fits: ip daddr ${RED} drop`,
  }),
  inet("nat", "prerouting priority -100", `ip saddr ${RED} drop`, { ...out, ...packet }),
  inet("nat", "postrouting priority 90", `ip saddr ${RED} drop`, { ...out, ...packet }),
  // The first chain of type nat that translates keeps the packet from the others.
  {
    command: `nft 'table ip mine { chain to { type nat hook postrouting priority 80; ip saddr ${RED} masquerade; }; chain through { type nat hook postrouting priority 90; ip saddr ${RED} drop; }; }'`,
    ...out,
    drops: false,
    says: `, unless this rule fits: ip saddr ${RED} drop`,
  },
  {
    command: `nft 'table ip mine { chain through { type nat hook postrouting priority 90; ip saddr ${RED} masquerade; drop; }; }'`,
    ...out,
    drops: false,
    says: `${MINE("ip")} (policy accept): lets the packet pass`,
  },
  // A chain of type nat sees the first packet of a connection alone.
  inet("nat", "prerouting priority -100", `ip saddr ${FAR} drop`, { ...out, ...fine }),
];

const OF_NODE: Case[] = [
  inet("filter", "input priority 0", `ip saddr ${RED} drop`, { from: RED, to: GATEWAY, ...packet }),
  inet("filter", "input priority 0", `ip saddr ${RED} drop`, { from: RED, to: NODE, ...packet }),
  inet("filter", "input priority 0", `ip saddr ${RED} drop`, { ...out, drops: false, says: "no firewall" }),
  inet("filter", "prerouting priority 0", `ip saddr ${RED} drop`, { from: RED, to: GATEWAY, ...packet }),
  inet("filter", "output priority 0", `ip daddr ${RED} drop`, { from: RED, to: GATEWAY, ...answer }),
  inet("filter", "postrouting priority 0", `ip daddr ${RED} drop`, { from: RED, to: GATEWAY, ...answer }),
  inet("nat", "input priority 100", `ip saddr ${RED} drop`, { from: RED, to: GATEWAY, ...packet }),
  inet("filter", "output priority 0", `ip daddr ${RED} drop`, { from: GATEWAY, to: RED, ...packet }),
  inet("nat", "output priority -100", `ip daddr ${RED} drop`, { from: GATEWAY, to: RED, ...packet }),
  inet("filter", "postrouting priority 0", `oifname "pods0" drop`, { from: GATEWAY, to: RED, ...packet }),
  inet("filter", "input priority 0", `ip saddr ${RED} drop`, { from: GATEWAY, to: RED, ...answer }),
  {
    command: chain("ip", "route", "output priority -150", `ip daddr ${RED} drop`),
    from: GATEWAY,
    to: RED,
    drops: true,
    says: `✗ ${MINE("ip")} drops the packet.`,
  },
];

const bridge = (hook: string, rule: string, ends: Omit<Case, "command">): Case => ({
  command: chain("bridge", "filter", hook, rule),
  ...ends,
});
const frame = { drops: true, says: `✗ ${MINE("bridge")} drops the packet.` };

const BRIDGED: Case[] = [
  bridge("prerouting priority -300", `ip saddr ${RED} drop`, { from: RED, to: BLUE, ...frame }),
  bridge("postrouting priority 0", `ip saddr ${RED} drop`, { from: RED, to: BLUE, ...frame }),
  bridge("input priority 0", `ip saddr ${RED} drop`, { ...out, ...frame }),
  bridge("input priority 0", `ip saddr ${RED} drop`, { from: RED, to: GATEWAY, ...frame }),
  bridge("input priority 0", `ip saddr ${RED} ip daddr ${BLUE} drop`, {
    from: RED,
    to: BLUE,
    drops: false,
    says: "no firewall looks at the packet",
  }),
  bridge("output priority 0", `ip daddr ${RED} drop`, {
    ...out,
    drops: true,
    says: `✗ ${MINE("bridge")} drops the answer.`,
  }),
  ...(["prerouting priority -300", "postrouting priority 0"] as const).flatMap((hook) => [
    inet("filter", hook, `ip saddr ${RED} drop`, { from: RED, to: BLUE, bridged: true, ...packet }),
    inet("filter", hook, `ip saddr ${RED} drop`, {
      from: RED,
      to: BLUE,
      bridged: false,
      drops: false,
      says: "no firewall looks at the packet",
    }),
  ]),
];

const iptables = (
  program: string,
  [table, base]: [string, string],
  ends: Pick<Case, "from" | "to"> & { rule: string; what?: string },
): Case => ({
  command: `${program} -t ${table} -A ${base} ${ends.rule} -j DROP`,
  undo: `${program} -t ${table} -F`,
  ...ends,
  drops: true,
  says: `✗ chain ${base} of ${program === "iptables-nft" ? `table ip ${table}` : table === "filter" ? program : `table ${table} of ${program}`} drops ${ends.what ?? "the packet"}.`,
});

const IPTABLES: Case[] = ["iptables-nft", "iptables-legacy"].flatMap((program) => [
  iptables(program, ["raw", "PREROUTING"], { ...out, rule: `-s ${RED}` }),
  iptables(program, ["mangle", "PREROUTING"], { ...out, rule: `-s ${RED}` }),
  iptables(program, ["mangle", "FORWARD"], { ...out, rule: `-s ${RED}` }),
  iptables(program, ["mangle", "POSTROUTING"], { ...out, rule: `-s ${RED}` }),
  iptables(program, ["filter", "INPUT"], { from: RED, to: GATEWAY, rule: `-s ${RED}` }),
  iptables(program, ["filter", "OUTPUT"], { from: RED, to: GATEWAY, rule: `-d ${RED}`, what: "the answer" }),
  iptables(program, ["mangle", "OUTPUT"], { from: GATEWAY, to: RED, rule: `-d ${RED}` }),
]);

const trace = async (world: World, from: string, to: string) => runDoctor(world, "--trace", from, to);

for (const [name, cases] of [
  ["of packets that the node routes", ROUTED],
  ["of packets to and from the node itself", OF_NODE],
  ["of frames, and of bridged packets that the packet filter sees", BRIDGED],
  ["of iptables in both variants", IPTABLES],
] as const)
  scene(
    `a trace says of chains at all hooks ${name} what a real packet meets`,
    async (world) => {
      const { all } = await healthyNode(world, { subnets: ["10.1.0.0/24"] });
      const red = all[0]!;
      for (const each of cases) {
        await filterBridges(world, each.bridged ?? false);
        const { command, undo, from, to, drops, says } = each;
        const place: Place = from === RED ? red : world.host;
        await onHost(world, command);
        const source = from === GATEWAY ? ["-I", GATEWAY] : [];
        const ping = await place.exec(["ping", "-n", "-c1", `-W${drops ? 0.3 : 1}`, ...source, to]);
        expect({ command, answered: ping.status === 0 }).toEqual({ command, answered: !drops });
        const { status, stdout } = await trace(world, from, to);
        expect(stdout.replaceAll(/\n {4,}/g, " "), command).toContain(says);
        expect({ command, status }).toEqual({ command, status: drops ? 1 : 0 });
        await onHost(world, undo ?? command.replace(/^nft 'table (\w+) .*/s, "nft delete table $1 mine"));
      }
    },
    120_000,
  );

scene(
  "the doctor names a chain behind or before the hook forward that drops what pods send",
  async (world) => {
    const { all } = await healthyNode(world, { subnets: ["10.1.0.0/24"] });
    await filterBridges(world, false);
    for (const [hook, rule, says] of [
      ["postrouting priority 95", "ip saddr 10.1.0.0/24 drop", "what pods send beyond the node"],
      ["prerouting priority -300", 'iifname "pods0" drop', "what pods send beyond the node"],
      ["postrouting priority 0", 'oifname "pods0" drop', "the answers to pods from beyond the node"],
    ] as const) {
      await onHost(world, chain("inet", "filter", hook, rule));
      const faults = faultsOf(await doctor(world));
      expect(faults).toMatchObject([
        { sentence: `chain through of table inet mine drops ${says}`, cure: expect.any(String) },
      ]);
      expect(faults[0]).not.toHaveProperty("advice");
      expect((await all[0]!.exec(`ping -c1 -W0.3 ${FAR}`)).status).toBe(1);
      await onHost(world, faults[0]?.cure ?? "");
      await expectContent(world);
      expect((await all[0]!.exec(`ping -c1 -W1 ${FAR}`)).status).toBe(0);
      await onHost(world, "nft delete table inet mine");
    }
    // Whom the node lets in is its own matter.
    await onHost(world, chain("inet", "filter", "input priority 0", 'iifname "pods0" drop'));
    await expectContent(world);
  },
);

scene("a trace to a host port knows where its packet has the address of the node", async (world) => {
  const { place } = await addNeighbour(world);
  const [pods, red] = [portNetwork(world, "pods"), await world.pod("red")];
  await add(world, pods, red, portArgs([{ hostPort: 8080, containerPort: 80, protocol: "tcp" }]));
  await using server = await serve(red, "tcp", "0.0.0.0", 80);
  void server;
  for (const [hook, rule, drops, says] of [
    ["prerouting priority -300", "tcp dport 80 drop", false, `${MINE("inet")} (policy accept)`],
    ["prerouting priority -300", "tcp dport 8080 drop", true, `✗ ${MINE("inet")} drops the packet.`],
    [
      "prerouting priority -300",
      "fib daddr type local tcp dport 8080 drop",
      true,
      `✗ ${MINE("inet")} drops the packet.`,
    ],
    ["prerouting priority -99", "tcp dport 80 drop", true, `✗ ${MINE("inet")} drops the packet.`],
    ["prerouting priority -99", "tcp dport 8080 drop", false, `${MINE("inet")} (policy accept)`],
    ["postrouting priority 99", "tcp sport 80 drop", true, `✗ ${MINE("inet")} drops the answer.`],
    ["postrouting priority 101", "tcp sport 80 drop", false, ", unless this rule fits: "],
  ] as const) {
    await onHost(world, chain("inet", "filter", hook, rule));
    const answered = (await connect(place, NODE, 8080)) !== undefined;
    expect({ hook, rule, answered }).toEqual({ hook, rule, answered: !drops });
    const { status, stdout } = await trace(world, "outside", ":8080");
    expect(stdout.replaceAll(/\n {4,}/g, " "), `${hook} ${rule}`).toContain(says);
    // A rule that nobody can decide does not end the way.
    expect({ hook, rule, status }).toEqual({ hook, rule, status: says.startsWith("✗") ? 1 : 0 });
    await onHost(world, "nft delete table inet mine");
  }
});

for (const [program, title] of [
  ["iptables-nft", "chain POSTROUTING of table ip mangle"],
  ["iptables-legacy", "chain POSTROUTING of table mangle of iptables-legacy"],
] as const)
  scene(
    `${program}: a trace and the doctor say that a queue leaves a packet to another program`,
    async (world) => {
      const { all } = await healthyNode(world, { subnets: ["10.1.0.0/24"] });
      await onHost(world, `${program} -t mangle -A POSTROUTING -s ${RED} -j NFQUEUE --queue-num 100`);
      // No program listens to the queue, so the kernel drops the packet.
      expect((await all[0]!.exec(`ping -c1 -W0.3 ${FAR}`)).status).toBe(1);
      const { status, stdout } = await trace(world, RED, FAR);
      expect(stdout.replaceAll(/\n {4,}/g, " ")).toContain(
        `? ${title} hands the packet to another program, which decides: -s ${RED} -j NFQUEUE`.replace(
          "-s 10.1.0.2 ",
          program === "iptables-nft" ? "ip saddr 10.1.0.2 " : "-s 10.1.0.2/32 ",
        ),
      );
      expect(status).toBe(0);
      const { hops } = JSON.parse((await runDoctor(world, "--json", "--trace", RED, FAR)).stdout) as {
        hops: { undecided?: true; passes: boolean; sentence: string }[];
      };
      expect(hops.filter(({ undecided }) => undecided)).toMatchObject([
        { passes: true, sentence: expect.stringContaining(title) },
      ]);
      expect((await doctor(world)).findings).toMatchObject([
        {
          code: "firewallMayDrop",
          severity: "note",
          sentence: expect.stringMatching(
            new RegExp(
              `^${title} hands what pods send beyond the node to another program, which may drop packets: `,
            ),
          ),
        },
      ]);
      expect(await trace(world, BLUE, FAR)).toMatchObject({
        status: 0,
        stdout: expect.not.stringContaining("another program"),
      });
    },
  );

for (const [program, title] of [
  ["iptables-nft", "table ip nat"],
  ["iptables-legacy", "table nat of iptables-legacy"],
] as const)
  for (const [chain, { to, at }] of [
    ["PREROUTING", { to: FAR, at: "hands" }],
    ["POSTROUTING", { to: FAR, at: "may hand" }],
    ["INPUT", { to: "10.1.0.1", at: "hands" }],
  ] as const)
    scene(`${program}: a trace sees a queue in chain ${chain} of table nat`, async (world) => {
      const { all } = await healthyNode(world, { subnets: ["10.1.0.0/24"] });
      await onHost(world, `${program} -t nat -A ${chain} -s ${RED} -j NFQUEUE --queue-num 100`);
      expect((await all[0]!.exec(`ping -c1 -W0.3 ${to}`)).status).toBe(1);
      const { status, stdout } = await trace(world, RED, to);
      expect(stdout.replaceAll(/\n {4,}/g, " ")).toContain(
        `? chain ${chain} of ${title} ${at} the packet to another program, which decides: `,
      );
      expect(status).toBe(0);
      expect(await trace(world, BLUE, to)).toMatchObject({
        status: 0,
        stdout: expect.not.stringContaining("another program"),
      });
    });
