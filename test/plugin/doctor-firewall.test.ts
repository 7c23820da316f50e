// Firewalls of others that drop what the node forwards: `pontoon doctor` names the chain where that is
// certain, and STATUS refuses a network whose pods would reach nobody.
import { expect } from "vitest";
import { add, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { doctor, expectContent, faultsOf, filterBridges, healthyNode, runCures } from "../support/doctor.ts";
import { portArgs, portNetwork } from "../support/host-port.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, type NetworkWishes, network } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import type { World } from "../support/world.ts";

const onHost = (command: string) => async (world: World) =>
  world.host.must([
    "sh",
    "-c",
    command.replaceAll(/\bip6?tables-(nft|legacy)(-restore)?\b/g, (tool) => toolPath(tool)),
  ]);

const nftChain = (rules: string, policy = "accept") =>
  `nft 'table inet mine { chain other { ip saddr 10.9.0.0/16 accept; drop; }; chain through { type filter hook forward priority 0; policy ${policy}; ${rules} }; }'`;

interface Drop {
  name: string;
  command: string;
  /** What the doctor says, and how it was seen. */
  says: RegExp[];
  proof?: RegExp;
  wishes?: NetworkWishes;
}

/** Chains of iptables: each leads to the next by two rules of which nobody can tell whether they fit. */
const NESTED = [
  "printf '*filter\\n:FORWARD DROP\\n'; seq -f ':c%g -' 1 40",
  "j='-m limit --limit 5/min -j'; printf -- \"-A FORWARD $j c1\\n-A FORWARD $j c1\\n\"",
  'for i in $(seq 39); do printf -- "-A c$i $j c$((i + 1))\\n-A c$i $j c$((i + 1))\\n"; done',
  "printf -- '-A c40 -j ACCEPT\\nCOMMIT\\n'",
].join("; ");

const V4 = { subnets: ["10.1.0.0/24"] };

const DROPS: Drop[] = [
  {
    name: "iptables-nft with the policy DROP",
    wishes: V4,
    command: "iptables-nft -P FORWARD DROP",
    says: [/^chain FORWARD of table ip filter drops what pods send beyond the node$/],
    proof: /^its policy is drop/,
  },
  {
    name: "iptables-legacy with the policy DROP",
    wishes: V4,
    command: "iptables-legacy -P FORWARD DROP",
    says: [/^chain FORWARD of iptables-legacy drops what pods send beyond the node$/],
    proof: /^its policy is drop/,
  },
  {
    name: "ip6tables-legacy with the policy DROP",
    command: "ip6tables-legacy -P FORWARD DROP",
    says: [/^chain FORWARD of ip6tables-legacy drops what pods send beyond the node$/],
  },
  {
    name: "iptables-legacy that accepts other interfaces and answers",
    wishes: V4,
    command:
      "iptables-legacy -P FORWARD DROP; iptables-legacy -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; iptables-legacy -A FORWARD -i docker0 ! -o docker0 -j ACCEPT; iptables-legacy -A FORWARD -s 10.9.0.0/16 -j ACCEPT",
    says: [/^chain FORWARD of iptables-legacy drops what pods send beyond the node$/],
  },
  {
    name: "iptables-legacy with a REJECT in a chain of its own",
    wishes: V4,
    command: "iptables-legacy -N MINE; iptables-legacy -A MINE -j REJECT; iptables-legacy -A FORWARD -j MINE",
    says: [/^chain FORWARD of iptables-legacy \(its chain MINE\) drops what pods send beyond the node$/],
    proof: /^its rule is: -j REJECT$/,
  },
  {
    name: "iptables-nft with a REJECT in a chain of its own, behind a return for others",
    wishes: V4,
    command:
      "iptables-nft -N MINE; iptables-nft -A MINE -i lo -j RETURN; iptables-nft -A MINE -j REJECT; iptables-nft -A FORWARD -j MINE",
    says: [/^chain FORWARD of table ip filter \(its chain MINE\) drops what pods send beyond the node$/],
    proof: /^its rule is: reject$/,
  },
  {
    name: "a table of nftables with the policy drop, which accepts answers and other interfaces",
    wishes: V4,
    command: nftChain(
      'ct state established,related accept; iifname "lan*" accept; iifname { "a", "b" } accept;',
      "drop",
    ),
    says: [/^chain through of table inet mine drops what pods send beyond the node$/],
  },
  {
    name: "a table of nftables that drops all from the pods' bridge",
    wishes: V4,
    command: nftChain('iifname "pods0" drop;'),
    says: [/^chain through of table inet mine drops what pods send beyond the node$/],
    proof: /^its rule is: iifname "pods0" drop$/,
  },
  {
    name: "a table of nftables that leads pods to a chain which drops",
    wishes: V4,
    command: nftChain("ip saddr 10.1.0.0/16 goto other;"),
    says: [/^chain through of table inet mine \(its chain other\) drops what pods send beyond the node$/],
  },
  {
    name: "a table of nftables that lets nothing back",
    wishes: V4,
    command: nftChain('iifname "pods0" accept;', "drop"),
    says: [/^chain through of table inet mine drops the answers to pods from beyond the node$/],
  },
];

for (const { name, command, says, proof, wishes } of DROPS)
  scene(`the doctor names ${name} and nothing else, and the printed command mends it`, async (world) => {
    await healthyNode(world, wishes);
    await filterBridges(world, false);
    await onHost(command)(world);
    const faults = faultsOf(await doctor(world));
    expect(faults.map(({ sentence }) => sentence)).toEqual(says.map((each) => expect.stringMatching(each)));
    expect(faults[0]?.proof).toMatch(proof ?? /./);
    expect(faults[0]?.advice).toContain('"ingressPolicy": "open"');
    await runCures(world, faults);
    await expectContent(world);
  });

const FINE: [name: string, command: string, note?: RegExp][] = [
  [
    "a policy DROP behind rules that accept pods",
    "iptables-nft -P FORWARD DROP; iptables-nft -A FORWARD -i pods0 -j ACCEPT; iptables-nft -A FORWARD -o pods0 -j ACCEPT",
  ],
  [
    "a rule that drops others",
    nftChain('iifname "pods1" drop; ip saddr 10.2.0.0/16 iifname "pods0" drop; oifname "pods1" drop;'),
  ],
  [
    "a rule that may drop",
    nftChain("limit rate over 10/second drop;"),
    /^chain through of table inet mine may drop what pods send beyond the node: \(limit\) drop$/,
  ],
  [
    "a rule for one port",
    nftChain("tcp dport 25 drop;"),
    /^chain through of table inet mine may drop .*: meta l4proto tcp th dport 25 drop$/,
  ],
  [
    "a policy drop behind a rule of which it cannot be told whether it fits",
    nftChain('oifname "pods0" accept; iifname "pods0" fib daddr type unicast accept;', "drop"),
  ],
  ["a policy drop behind a rule that may accept", nftChain("limit rate 10/second accept;", "drop")],
  [
    "a policy DROP before forty nested chains with two undecided jumps each, the last of which accepts,",
    `(${NESTED}) | iptables-legacy-restore`,
  ],
];

for (const [name, command, note] of FINE)
  scene(`${name} is no fault`, async (world) => {
    await healthyNode(world, V4);
    await onHost(command)(world);
    const { findings, status } = await doctor(world);
    expect(status).toBe(0);
    expect(findings.map(({ sentence }) => sentence)).toEqual(
      note === undefined ? [] : [expect.stringMatching(note)],
    );
  });

scene(
  "a policy DROP is no fault for a network with an ingress policy, on a bridge and without one",
  async (world) => {
    await onHost("iptables-nft -P FORWARD DROP; iptables-legacy -P FORWARD DROP")(world);
    await addNeighbour(world);
    await world.host.must("ip route add default via 192.168.50.2");
    const pods = install(world, network("pods", { ...V4, ingressPolicy: "open" }));
    const pairs = install(world, ptpNetwork("pairs", { subnets: ["10.2.0.0/24"], ingressPolicy: "open" }));
    await add(world, pods, await world.pod("red"));
    await add(world, pairs, await world.pod("blue"));
    await expectContent(world);
    for (const each of [pods, pairs]) mustSucceed(await plugin(world, "STATUS", { network: each }));
  },
);

for (const program of ["iptables-nft", "iptables-legacy"])
  scene(
    `${program}: rules of others that come after a pod with an ingress policy and drop nothing of it are a note, and those that drop a fault`,
    async (world) => {
      await addNeighbour(world);
      await world.host.must("ip route add default via 192.168.50.2");
      const red = await world.pod("red");
      await add(world, install(world, network("pods", { ...V4, ingressPolicy: "open" })), red);
      await expectContent(world);
      await onHost(
        `${program} -N KUBE-FORWARD; ${program} -A FORWARD -j KUBE-FORWARD; ${program} -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP; ${program} -A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
      )(world);
      await expectContent(world);
      expect((await doctor(world)).findings).toMatchObject([
        { code: "ingressPolicyDiffers", severity: "note", repairable: true },
      ]);
      await onHost(`${program} -P FORWARD DROP`)(world);
      const faults = faultsOf(await doctor(world));
      expect(faults[0]).toMatchObject({ code: "ingressPolicyDiffers", severity: "error" });
      await runCures(world, faults.slice(0, 1));
      expect((await doctor(world)).findings).toEqual([]);
    },
  );

scene(
  "connections to host ports that a firewall drops are named, and the printed command mends it",
  async (world) => {
    await addNeighbour(world);
    await world.host.must("ip route add default via 192.168.50.2");
    const pods = portNetwork(world, "pods", V4);
    await add(
      world,
      pods,
      await world.pod("red"),
      portArgs([{ hostPort: 8080, containerPort: 80, protocol: "tcp" }]),
    );
    await onHost(
      "iptables-nft -P FORWARD DROP; iptables-nft -A FORWARD -i pods0 -j ACCEPT; iptables-nft -A FORWARD -o pods0 -m conntrack --ctstate ESTABLISHED -j ACCEPT",
    )(world);
    const faults = faultsOf(await doctor(world));
    expect(faults.map(({ sentence }) => sentence)).toEqual([
      "chain FORWARD of table ip filter drops connections to host ports of pods",
    ]);
    await runCures(world, faults);
    await expectContent(world);
  },
);

const REFUSED: [name: string, command: string, says: RegExp][] = [
  [
    "a firewall drops what pods send",
    "iptables-nft -P FORWARD DROP",
    /^chain FORWARD of table ip filter drops what pods send beyond the node$/,
  ],
  [
    "a firewall drops what pods send, in the legacy variant",
    "iptables-legacy -A FORWARD -j DROP",
    /^chain FORWARD of iptables-legacy drops/,
  ],
  [
    "another bridge has the subnet",
    "ip link add cnir0 up type bridge; ip address add 10.1.0.1/24 dev cnir0",
    /^cnir0 has 10\.1\.0\.1\/24, and pods0 is to have 10\.1\.0\.1\/24$/,
  ],
];

for (const [name, command, says] of REFUSED)
  scene(
    `STATUS refuses with code 50 when ${name}, and with code 51 where a pod suffers too`,
    async (world) => {
      const pods = install(world, network("pods", V4));
      const about = async () => {
        const { code, msg } = mustFail(await plugin(world, "STATUS", { network: pods }));
        return [code, msg.replace(/^.*?: /, "")];
      };
      await onHost(command)(world);
      expect(await about()).toEqual([50, expect.stringMatching(says)]);
      await undo(world);
      await add(world, pods, await world.pod("red"));
      mustSucceed(await plugin(world, "STATUS", { network: pods }));
      await onHost(command)(world);
      expect(await about()).toEqual([51, expect.stringMatching(says)]);
    },
  );

/** Takes away what the scenes above put in. */
async function undo(world: World): Promise<void> {
  await onHost(
    "iptables-nft -P FORWARD ACCEPT; iptables-legacy -F FORWARD; ip link del cnir0 2>/dev/null || true",
  )(world);
}

const FINE_ANSWER = { status: 0, stdout: "" };

scene("STATUS never refuses a fresh node, whose first ADD makes bridge and forwarding", async (world) => {
  for (const conflist of [
    network("pods"),
    ptpNetwork("pairs"),
    network("inner", { ipMasq: false, isGateway: false }),
  ])
    expect(await plugin(world, "STATUS", { network: install(world, conflist) })).toMatchObject(FINE_ANSWER);
  await world.host.must("ip link add pods0 type bridge");
  expect(await plugin(world, "STATUS", { network: network("pods") })).toMatchObject(FINE_ANSWER);
});

scene("STATUS leaves a network alone whose pods are not to reach others", async (world) => {
  await onHost("iptables-nft -P FORWARD DROP")(world);
  const inner = network("inner", {
    ipMasq: false,
    ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] },
  });
  expect(await plugin(world, "STATUS", { network: inner })).toMatchObject(FINE_ANSWER);
});
