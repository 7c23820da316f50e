// What is inside a pod on a traced way: its own routes and rules, and the packet filter of a program in it;
// and what a probe says of a packet that got no answer.
import { expect } from "vitest";
import type { FindingCode } from "../../src/doctor/code.ts";
import { healthyNode, runDoctor } from "../support/doctor.ts";
import { hostLinkOf } from "../support/link.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import type { World } from "../support/world.ts";

const FAR = "203.0.113.9";

interface Hop {
  passes: boolean;
  undecided?: true;
  code?: FindingCode;
  sentence: string;
  cure?: string;
}

async function traced(world: World, from: string, to: string, ...args: string[]) {
  const { status, stdout } = await runDoctor(world, "--json", "--trace", from, to, ...args);
  const { hops, probe } = JSON.parse(stdout) as { hops: Hop[]; probe: { answer: string; traces: string[] } };
  return {
    status,
    fault: hops.find(({ passes }) => !passes),
    open: hops.filter((each) => each.undecided),
    probe,
  };
}

const INSIDE: [name: string, harm: string, says: RegExp, code: FindingCode][] = [
  [
    "a route that refuses",
    `ip route add blackhole ${FAR}/32`,
    /^the pod has no way to 203\.0\.113\.9: the route "blackhole 203\.0\.113\.9\/32" refuses it$/,
    "podLeadsElsewhere",
  ],
  [
    "a rule that refuses",
    `ip rule add pref 10 to ${FAR} prohibit`,
    /^the pod has no way to 203\.0\.113\.9: the routing rule "10: from all to 203\.0\.113\.9\/32 prohibit" refuses it$/,
    "podLeadsElsewhere",
  ],
  [
    "nftables that drop what it sends",
    `nft 'table inet mesh { chain leaves { type filter hook output priority 0; ip daddr ${FAR} drop; }; }'`,
    /^in the pod chain leaves of table inet mesh drops the packet$/,
    "firewallDrops",
  ],
  [
    "nftables that drop the answers",
    "nft 'table inet mesh { chain comes { type filter hook input priority 0; policy drop; ct state new accept; }; }'",
    /^in the pod chain comes of table inet mesh drops the answer$/,
    "firewallDrops",
  ],
  [
    "iptables-legacy that drops what it sends",
    "iptables-legacy -A OUTPUT -o eth0 -j DROP",
    /^in the pod chain OUTPUT of iptables-legacy drops the packet$/,
    "firewallDrops",
  ],
];

for (const [name, harm, says, code] of INSIDE)
  scene(`a trace sees inside the pod ${name}, and a probe gets no answer`, async (world) => {
    const { all } = await healthyNode(world, { subnets: ["10.1.0.0/24"] });
    const [red] = all;
    await world.host.must(`ip netns exec neighbour ip address add ${FAR} dev lo`);
    expect(await traced(world, "red", FAR, "--probe")).toMatchObject({
      status: 0,
      fault: undefined,
      open: [],
      probe: { answer: "answered", traces: [] },
    });
    await red!.must(["sh", "-c", harm.replace("iptables-legacy", (tool) => toolPath(tool))]);
    const { fault, probe, status } = await traced(world, "red", FAR, "--probe");
    expect({ status, answer: probe.answer }).toEqual({ status: 1, answer: "nothing" });
    expect(fault).toMatchObject({ code, sentence: expect.stringMatching(says) });
    // Rules of a packet filter have no command: nobody knows who made them.
    await world.host.must(["sh", "-c", fault?.cure ?? "ip netns exec red nft flush ruleset"]);
    await red!.must(`${toolPath("iptables-legacy")} -F`);
    expect(await traced(world, "red", FAR, "--probe")).toMatchObject({ status: 0 });
    expect((await traced(world, "blue", FAR)).fault).toBeUndefined();
  });

scene(
  "a trace says where a pod that receives drops, and where rules in a pod lead elsewhere",
  async (world) => {
    const { all } = await healthyNode(world, { subnets: ["10.1.0.0/24"] });
    const [red, blue] = all;
    await red!.must([
      "sh",
      "-c",
      "nft 'table inet mesh { chain comes { type filter hook input priority 0; iifname eth0 ip saddr 10.1.0.3 drop; }; }'",
    ]);
    expect((await traced(world, "blue", "red")).fault?.sentence).toBe(
      "in the pod chain comes of table inet mesh drops the packet",
    );
    expect((await traced(world, "192.168.50.2", "red")).fault).toBeUndefined();
    await blue!.must(`${toolPath("iptables-nft")} -t nat -A OUTPUT -p icmp -j REDIRECT`);
    expect((await traced(world, "blue", "192.168.50.2")).open).toMatchObject([
      {
        sentence: expect.stringMatching(
          /^in the pod chain OUTPUT of table ip nat may give the packet another/,
        ),
      },
    ]);
  },
);

scene(
  "a probe says who was not answered when it asked for a MAC, and which MAC was entered by hand",
  async (world) => {
    await healthyNode(world, { subnets: ["10.1.0.0/24"] });
    const tracesOf = async (to: string) => (await traced(world, "red", to, "--probe")).probe.traces;
    expect(await tracesOf("192.168.50.77")).toEqual([
      "nobody has answered when the node asked for the MAC of 192.168.50.77",
    ]);
    await world.host.must(
      "ip neighbour replace 192.168.50.2 lladdr 02:00:00:00:00:99 dev uplink nud permanent",
    );
    expect(await tracesOf(FAR)).toEqual([
      "the node has a static neighbour 192.168.50.2 at 02:00:00:00:00:99; if it is another's MAC, all for it is lost",
    ]);
    await world.host.must("sysctl -qw net.ipv4.conf.pods0.arp_ignore=8");
    await world.host.must("ip netns exec red ip neighbour flush dev eth0");
    expect((await tracesOf(FAR))[0]).toBe("nobody has answered when the pod asked for the MAC of 10.1.0.1");
  },
);

scene(
  "a trace tells filters of traffic control on its way, and none that limits bandwidth",
  async (world) => {
    const { all } = await healthyNode(world, {
      subnets: ["10.1.0.0/24"],
      ingressRate: 100_000_000,
      egressRate: 100_000_000,
    });
    expect((await traced(world, "red", FAR)).open).toEqual([]);
    const end = await hostLinkOf(world, all[1]!);
    for (const [device, side] of [
      [end, "ingress"],
      ["uplink", "egress"],
    ] as const) {
      if (device === "uplink") await world.host.must("tc qdisc add dev uplink clsact");
      const parent = device === "uplink" ? side : "parent ffff:";
      await world.host.must(
        `tc filter add dev ${device} ${parent} protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev lo`,
      );
      const { open } = await traced(world, "blue", FAR);
      expect(open.map(({ sentence }) => sentence)).toContain(
        `a u32 filter of traffic control may drop packets at ${device}, or lead them elsewhere: "tc filter show dev ${device} ${side}" lists it`,
      );
    }
    expect((await traced(world, "red", FAR)).open.length).toBe(1);
  },
);
