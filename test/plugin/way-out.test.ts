// The ADD that makes a bridge tells what stands between it and the world beyond the node.
import { expect } from "vitest";
import { mustSucceed, plugin } from "../support/cni.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { type Network, network } from "../support/network.ts";
import { ptpNetwork, WAYS } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { failingAt, TRACE } from "../support/strace.ts";
import { toolPath } from "../support/tool.ts";
import type { World } from "../support/world.ts";

/** What two ADDs say, of which the first makes the bridge, or is the first with its gateway. */
async function said(world: World, pods: Network, names = ["red", "blue"]) {
  const texts: string[] = [];
  for (const name of names) {
    const call = { network: pods, pod: await world.pod(name) };
    texts.push(mustSucceed(await plugin(world, "ADD", call)).stderr);
  }
  return texts;
}

const DROPPING: [what: string, command: string, chain: string, subnets?: string[]][] = [
  ["iptables-nft", `${toolPath("iptables-nft")} -P FORWARD DROP`, "chain FORWARD of table ip filter"],
  ["iptables-legacy", `${toolPath("iptables-legacy")} -P FORWARD DROP`, "chain FORWARD of iptables-legacy"],
  [
    "ip6tables-nft",
    `${toolPath("ip6tables-nft")} -P FORWARD DROP`,
    "chain FORWARD of table ip6 filter",
    ["fd01::/64"],
  ],
  [
    "a table of nftables",
    "nft 'table inet mine { chain through { type filter hook forward priority 0; policy drop; }; }'",
    "chain through of table inet mine",
  ],
];

for (const [{ way, networkOf }, [what, command, chain, subnets = ["10.1.0.0/24"]]] of WAYS.flatMap((each) =>
  DROPPING.map((drop) => [each, drop] as const),
)) {
  scene(
    `${way}: ${what} drops what is forwarded: the first ADD of a network without a policy says so, a later one and one with a policy do not`,
    async (world) => {
      await world.host.must(["sh", "-c", command]);
      const [first = "", second] = await said(world, networkOf("pods", { subnets }));
      expect(first).toMatch(
        new RegExp(`^pontoon: ${chain} drops what the node forwards .*"ingressPolicy": "open".*\n$`),
      );
      expect(second).toBe("");
      const open = networkOf("other", { subnets: ["10.2.0.0/24"], ingressPolicy: "open" });
      expect(await said(world, open, ["green", "grey"])).toEqual(["", ""]);
    },
  );
}

scene(
  "a chain that drops IPv6 alone is nothing to an IPv4 network, nor is any to one whose bridge is no gateway",
  async (world) => {
    await world.host.must(`${toolPath("ip6tables-nft")} -P FORWARD DROP`);
    expect(await said(world, network("pods"))).toEqual(["", ""]);
    expect(await said(world, ptpNetwork("pairs", { subnets: ["10.2.0.0/24"] }), ["gold", "pink"])).toEqual([
      "",
      "",
    ]);
    const plain = { bridge: "plain0", isGateway: false, ipMasq: false };
    const ipam = { type: "host-local", ranges: [[{ subnet: "fd01::/64" }]] };
    expect(await said(world, network("plain", { ...plain, ipam }), ["green", "grey"])).toEqual(["", ""]);
  },
);

for (const { way, networkOf } of WAYS) {
  scene(
    `${way}: an MTU above that of the way out: the first ADD says so, and nothing where it is as large`,
    async (world) => {
      await addNeighbour(world);
      await world.host.must("ip link set uplink mtu 1400");
      await world.host.must("ip route add default via 192.168.50.2");
      const [first = "", second] = await said(world, networkOf("pods", { mtu: 1500 }));
      expect(first).toMatch(
        /^pontoon: the MTU of (bridge pods0|network pods) is 1500, and the way out of the node takes 1400: .*\n$/,
      );
      expect(second).toBe("");
    },
  );

  scene(`${way}: an MTU of the way out or below it is not worth a word`, async (world) => {
    await addNeighbour(world);
    await world.host.must("ip route add default via 192.168.50.2");
    expect(await said(world, networkOf("pods", { mtu: 1500 }))).toEqual(["", ""]);
  });
}

scene("an ADD ends well although the look for what it would only tell of is refused", async (world) => {
  const call = { network: network("pods"), pod: await world.pod("red") };
  const attach = (count: number) =>
    plugin(world, "ADD", { ...call, through: failingAt({ kind: "sendto", count }, "ENOMEM") });
  const detach = async () => {
    mustSucceed(await plugin(world, "DEL", call));
    await world.host.must("ip link del pods0");
  };
  mustSucceed(await plugin(world, "ADD", call));
  await detach();
  mustSucceed(await attach(10_000));
  // The list of chains that drop is the last thing that the ADD asks the kernel for.
  const last = world.read(TRACE).trimEnd().split("\n").length;
  await detach();
  expect(mustSucceed(await attach(last)).stderr).toBe("");
  expect(world.read(TRACE)).toContain("(INJECTED)");
});
