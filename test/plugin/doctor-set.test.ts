// Rules of firewalls that look packets up in sets and maps: the doctor follows them where the packet itself
// decides, and ping is the judge of that.
import { expect } from "vitest";
import { doctor, faultsOf, filterBridges, healthyNode, runDoctor } from "../support/doctor.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import type { Pod, World } from "../support/world.ts";

interface Ruleset {
  name: string;
  /** Sets and chains of the table. */
  sets?: string;
  rules: string;
  policy?: "drop";
  /** What the doctor shows of the rule: as a proof, or in a note. */
  text?: RegExp;
}

const load = (world: World, { sets = "", rules, policy }: Ruleset): Promise<string> =>
  world.host.must(["nft", "-f", "-"], {
    stdin: `table inet mine { ${sets} chain deny { drop; }; chain through { type filter hook forward priority 0; policy ${policy ?? "accept"}; ${rules} }; }`,
  });

const DROPS: Ruleset[] = [
  {
    name: "a map of interfaces",
    rules: 'iifname vmap { "lan0" : accept, "pods0" : drop };',
    text: /^its rule is: iifname vmap \{ "pods0" \} drop$/,
  },
  {
    name: "a map that leads to a chain",
    rules: 'iifname vmap { "lan0" : accept, "pods0" : jump deny };',
    text: /^its rule is: drop$/,
  },
  {
    name: "a named map of subnets",
    sets: "map who { type ipv4_addr : verdict; flags interval; elements = { 10.1.0.0/24 : drop, 10.9.0.0/16 : accept }; };",
    rules: "ip saddr vmap @who;",
    text: /^its rule is: ip saddr vmap @who drop$/,
  },
  {
    name: "a map with a verdict for all else",
    rules: 'iifname vmap { "lan0" : accept, * : drop };',
    text: /^its rule is: iifname vmap \{ \* \} drop$/,
  },
  {
    name: "a map that accepts others, before the policy",
    rules: 'iifname vmap { "lan0" : accept };',
    policy: "drop",
    text: /^its policy is drop/,
  },
  {
    name: "a range of addresses",
    rules: "ip saddr 10.0.0.5-10.2.0.0 drop;",
    text: /^its rule is: ip saddr .*10\.0\.0\.5.*10\.2\.0\.0 drop$/,
  },
  {
    name: "a set of ranges and prefixes",
    rules: "ip saddr { 10.0.255.0-10.1.0.9, 10.3.0.0/16 } drop;",
    text: /^its rule is: ip saddr \{ 10\.0\.255\.0-10\.1\.0\.9, 10\.3\.0\.0\/16 \} drop$/,
  },
  {
    name: "a range that ends with the last address of all",
    rules: "ip saddr { 10.0.0.0-255.255.255.255 } drop;",
  },
  {
    name: "a named set of intervals",
    sets: "set blocked { type ipv4_addr; flags interval; elements = { 10.1.0.0/24, 10.3.0.0/16 }; };",
    rules: "ip saddr @blocked drop;",
    text: /^its rule is: ip saddr @blocked drop$/,
  },
  {
    name: "a set that does not have the pods",
    rules: "ip saddr != { 10.8.0.0/16, 10.9.0.0/16 } drop;",
    text: /^its rule is: ip saddr != \{ .* \} drop$/,
  },
  { name: "a set of beginnings of names", rules: 'iifname { "lan0", "pod*" } drop;' },
  {
    name: "a set that counts",
    sets: 'set counted { type ifname; counter; elements = { "pods0" }; };',
    rules: "iifname @counted drop;",
  },
  {
    name: "a concatenation",
    rules: 'iifname . oifname { "lan0" . "uplink", "pods0" . "uplink" } drop;',
    text: /^its rule is: iifname \. oifname \{ .*"pods0" \. "uplink".* \} drop$/,
  },
  {
    name: "a concatenation with an interval",
    rules: 'iifname . ip saddr { "lan0" . 10.9.0.0/16, "pods0" . 10.1.0.0/24 } drop;',
    text: /^its rule is: iifname \. ip saddr \{ .*"pods0" \. 10\.1\.0\.0\/24.* \} drop$/,
  },
  {
    name: "a map of concatenations",
    rules: 'iifname . ip saddr vmap { "pods0" . 10.9.0.0/16 : accept, "pods0" . 10.1.0.0/24 : drop };',
  },
  { name: "a range of interface groups", rules: 'iifname "pods0" meta iifgroup 0-5 drop;' },
  { name: "addresses from one on", rules: "ip saddr >= 10.1.0.0 ip saddr <= 10.1.0.255 drop;" },
];

const PASSES: Ruleset[] = [
  {
    name: "a map that accepts the pods",
    rules: 'iifname vmap { "pods0" : accept }; oifname vmap { "pods0" : accept };',
    policy: "drop",
  },
  {
    name: "a map that drops other subnets",
    rules:
      'iifname "pods0" ip saddr vmap { 10.9.0.0/16 : drop, 10.1.0.0/24 : accept }; iifname "pods0" drop;',
  },
  {
    name: "a map that returns from its chain",
    sets: 'chain mine { iifname vmap { "pods0" : return }; drop; };',
    rules: 'iifname "pods0" jump mine;',
  },
  {
    name: "a concatenation with another subnet",
    rules: 'iifname . ip saddr { "pods0" . 10.9.0.0/16, "lan0" . 10.1.0.0/24 } drop;',
  },
  {
    name: "a concatenation with another interface, whatever the port",
    rules: 'iifname . tcp dport { "lan0" . 25 } drop;',
  },
  {
    name: "a map of concatenations with another interface, whatever the port",
    rules: 'iifname . tcp dport vmap { "lan0" . 20-25 : drop };',
  },
];

const NOTES: Ruleset[] = [
  {
    name: "a map of ports",
    rules: "tcp dport vmap { 25 : drop, 80 : accept };",
    text: /may drop what pods send beyond the node: meta l4proto tcp th dport vmap \{ 25 \} drop$/,
  },
  {
    name: "a set of ports",
    rules: "tcp dport { 25, 100-200 } drop;",
    text: /: meta l4proto tcp th dport \{ 25, 100-200 \} drop$/,
  },
  {
    name: "a concatenation of the pods' interface and a port",
    rules: 'iifname . tcp dport vmap { "pods0" . 25 : drop, "lan0" . 25 : drop };',
    text: /: meta l4proto tcp iifname \. th dport vmap \{ .*"pods0" \. 25.* \} drop$/,
  },
  {
    name: "a set that limits",
    sets: 'set limited { type ifname; limit rate over 1000/second; elements = { "pods0" }; };',
    rules: "iifname @limited drop;",
    text: /: iifname @limited drop$/,
  },
];

const reaches = async (pod: Pod, seconds = 1): Promise<boolean> =>
  (await pod.exec(["ping", "-c1", `-W${seconds}`, "192.168.50.2"])).status === 0;

/** A node whose pods masquerade nothing, so that the neighbour sees their own addresses. */
async function node(world: World): Promise<Pod> {
  const { all } = await healthyNode(world, { subnets: ["10.1.0.0/24"] });
  await filterBridges(world, false);
  expect(await reaches(all[0]!)).toBe(true);
  return all[0]!;
}

scene(
  "a rule that drops by a set or a map is named, with its text",
  async (world) => {
    const red = await node(world);
    for (const ruleset of DROPS) {
      await load(world, ruleset);
      const faults = faultsOf(await doctor(world));
      expect({ name: ruleset.name, faults, reaches: await reaches(red, 0.3) }).toMatchObject({
        name: ruleset.name,
        faults: [
          {
            sentence: expect.stringMatching(/^chain through of table inet mine .*drops what pods send/),
            proof: expect.stringMatching(ruleset.text ?? /^its rule is: .*drop$/),
          },
        ],
        reaches: false,
      });
      await world.host.must("nft delete table inet mine");
    }
  },
  60_000,
);

scene("a rule that drops others by a set or a map is no fault and no note", async (world) => {
  const red = await node(world);
  for (const ruleset of PASSES) {
    await load(world, ruleset);
    const { findings } = await doctor(world);
    expect({ name: ruleset.name, findings, reaches: await reaches(red) }).toEqual({
      name: ruleset.name,
      findings: [],
      reaches: true,
    });
    await world.host.must("nft delete table inet mine");
  }
});

scene(
  "a set or a map that asks for more than is known of the packet is a note with its text",
  async (world) => {
    await node(world);
    for (const ruleset of NOTES) {
      await load(world, ruleset);
      const { findings } = await doctor(world);
      expect({ name: ruleset.name, findings }).toMatchObject({
        name: ruleset.name,
        findings: [{ severity: "note", sentence: expect.stringMatching(ruleset.text!) }],
      });
      await world.host.must("nft delete table inet mine");
    }
  },
);

/** So many addresses with a verdict each, from 100.64.0.0 on. */
const verdicts = (count: number, verdictOf: (at: number) => string): string =>
  Array.from(
    { length: count },
    (_, at) => `100.${64 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}${verdictOf(at)}`,
  ).join(", ");

const LARGE: Ruleset[] = [
  {
    name: "a map with one verdict for 40,000 keys",
    sets: `map who { type ipv4_addr . inet_service : verdict; elements = { ${verdicts(40_000, () => " . 25 : drop")} }; };`,
    rules: "ip saddr . tcp dport vmap @who;",
  },
  {
    name: "a map that leads to a chain for each of 1,000 keys",
    sets: `${Array.from({ length: 1000 }, (_, at) => `chain c${at} { drop; };`).join(" ")} map who { type ipv4_addr . inet_service : verdict; elements = { ${verdicts(1000, (at) => ` . 25 : goto c${at}`)} }; };`,
    rules: "ip saddr . tcp dport vmap @who;",
  },
];

scene(
  "maps with very many verdicts are looked at in a moment",
  async (world) => {
    await node(world);
    for (const ruleset of LARGE) {
      await load(world, ruleset);
      const { findings } = await doctor(world);
      expect({ name: ruleset.name, findings }).toMatchObject({
        name: ruleset.name,
        findings: [{ severity: "note", sentence: expect.stringContaining("may drop the answers to pods") }],
      });
      await world.host.must("nft delete table inet mine");
    }
  },
  60_000,
);

const PORTS: [name: string, put: string, take: string][] = [
  [
    "a map of ports",
    "nft 'table inet mine { chain through { type filter hook forward priority 0; tcp dport vmap { 20-25 : drop }; }; }'",
    "nft delete table inet mine",
  ],
  [
    "a concatenation",
    "nft 'table inet mine { chain through { type filter hook forward priority 0; ip daddr . tcp dport { 192.168.50.0/24 . 25 } drop; }; }'",
    "nft delete table inet mine",
  ],
  ["the match tcp", "iptables-legacy -A FORWARD -p tcp --dport 20:25 -j DROP", "iptables-legacy -F FORWARD"],
  [
    "the match tcp of answers",
    "iptables-legacy -A FORWARD -p tcp --sport 25 -j DROP",
    "iptables-legacy -F FORWARD",
  ],
  [
    "the match multiport",
    "iptables-legacy -A FORWARD -p tcp -m multiport --dports 22,24:26 -j DROP",
    "iptables-legacy -F FORWARD",
  ],
  [
    "the match multiport in nftables",
    "iptables-nft -A FORWARD -p tcp -m multiport ! --dports 80,90:99 -j REJECT",
    "iptables-nft -F FORWARD",
  ],
];

scene("a way to a port ends at the rule that drops the port, and not a way to another", async (world) => {
  await node(world);
  for (const [name, put, take] of PORTS) {
    const run = (command: string) =>
      world.host.must([
        "sh",
        "-c",
        command.replaceAll(/\biptables-(nft|legacy)\b/g, (tool) => toolPath(tool)),
      ]);
    await run(put);
    const trace = async (to: string) =>
      (await runDoctor(world, "--trace", "10.1.0.2", to)).stdout.trim().split("\n").slice(2).join("\n");
    expect(await trace("192.168.50.2:25"), name).toMatch(/✗ chain \w+ of .* drops the (packet|answer)\./);
    expect(await trace("192.168.50.2:80"), name).not.toContain("✗");
    await run(take);
  }
});
