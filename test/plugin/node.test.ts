// `pontoon node` on one segment: the pods of nodes reach each other, and the kernel is as wished and no more.
import { expect } from "vitest";
import {
  apply,
  type ClusterNode,
  clusterNode,
  goBy,
  join,
  mustApply,
  podAddresses,
  pontoonNode,
  routedWish,
  segment,
  subnetsOf,
} from "../support/cluster.ts";
import { scene } from "../support/scene.ts";
import { connect, pings, serve } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import type { Pod, World } from "../support/world.ts";

/** Nodes on one segment, all with their wishes, and a machine outside that knows no pods. */
async function cluster(world: World, count: number): Promise<{ nodes: ClusterNode[]; outside: Pod }> {
  const lan = await segment(world, "lan");
  const outside = await world.pod("outside");
  await join(outside, { place: lan, bridge: "br0" }, { ipv4: "10.90.0.100", ipv6: "fd90::100" });
  const nodes: ClusterNode[] = [];
  for (let number = 1; number <= count; number++)
    nodes.push(await clusterNode(world, number, { place: lan }));
  for (const node of nodes) {
    await goBy(node.place, { ipv4: "10.90.0.100", ipv6: "fd90::100" });
    await mustApply(node.place, routedWish(node, othersOf(node, nodes)));
  }
  return { nodes, outside };
}

function othersOf(node: ClusterNode, nodes: readonly ClusterNode[]): ClusterNode[] {
  return nodes.filter((each) => each !== node);
}

async function routesOf(node: ClusterNode): Promise<string[]> {
  const [four, six] = await Promise.all([
    node.place.must("ip -4 route show proto 180"),
    node.place.must("ip -6 route show proto 180"),
  ]);
  return `${four}${six}`.split("\n").flatMap((line) => {
    const [, dst, via] = /^(\S+) via (\S+) /.exec(line) ?? [];
    return dst === undefined ? [] : [`${dst} via ${via}`];
  });
}

scene(
  "pods of three nodes see each other's own addresses, nodes see the pods', and a machine outside the node's",
  async (world) => {
    const { nodes, outside } = await cluster(world, 3);
    const [one, two, three] = nodes as [ClusterNode, ClusterNode, ClusterNode];
    for (const family of ["ipv4", "ipv6"] as const) {
      const any = family === "ipv4" ? "0.0.0.0" : "::";
      const own = podAddresses(1)[family];
      for (const far of [two, three])
        await waitFor("pods reach each other", () => pings(one.pod, podAddresses(far.number)[family]));
      for (const [place, address, seen] of [
        [two.pod, podAddresses(2)[family], own],
        [three.place, three[family], own],
        [outside, family === "ipv4" ? "10.90.0.100" : "fd90::100", one[family]],
      ] as const) {
        await using _server = await serve(place, "tcp", any, family === "ipv4" ? 80 : 81);
        const answer = await connect(one.pod, address, family === "ipv4" ? 80 : 81);
        expect(answer).toBe(`${place.name} saw ${seen}`);
      }
    }
  },
  60_000,
);

scene("a second apply changes nothing, and the kernel tells nobody of any change", async (world) => {
  const { nodes } = await cluster(world, 2);
  const [one] = nodes as [ClusterNode];
  const wish = routedWish(one, othersOf(one, nodes));
  await using routes = one.place.start("ip monitor route address");
  await using rules = one.place.start("nft monitor");
  const marked = async (mark: string): Promise<void> => {
    await waitFor(`both monitors have heard of ${mark}`, async () => {
      await one.place.must("ip route replace 198.51.100.0/24 dev lo");
      await one.place.must("ip route delete 198.51.100.0/24 dev lo");
      await one.place.exec(`nft add table inet ${mark}`);
      return routes.output.includes("198.51.100") && rules.output.includes(mark);
    });
  };
  await marked("before");
  const heard = [routes.output.length, rules.output.length];
  expect(await mustApply(one.place, wish)).toEqual([]);
  const { stdout } = await pontoonNode(one.place, ["apply"], { wish });
  expect(stdout).toBe("nothing to do: the node is as wished\n");
  await one.place.must("nft add table inet after");
  await rules.says("inet after");
  await one.place.must("ip route replace 203.0.113.0/24 dev lo");
  await routes.says("203.0.113");
  const since = [routes.output.slice(heard[0]), rules.output.slice(heard[1])].join("");
  expect(
    since
      .split("\n")
      .filter((line) => !/^$|198\.51|203\.0|inet (before|after)|new generation|Error/.test(line)),
  ).toEqual([]);
});

scene("a node with another address, other subnets or none at all changes its routes alone", async (world) => {
  const { nodes } = await cluster(world, 3);
  const [one, two, three] = nodes as [ClusterNode, ClusterNode, ClusterNode];
  const moved = { ...two, ipv4: "10.90.0.22" };
  expect(await mustApply(one.place, routedWish(one, [moved, three]))).toEqual([
    "route 10.244.2.0/24 via 10.90.0.22: changed",
    "masquerade (table inet pontoon-node): changed",
  ]);
  const renumbered = { ...moved, subnets: subnetsOf(7) };
  expect(await mustApply(one.place, routedWish(one, [renumbered, three]))).toEqual([
    "route 10.244.2.0/24 via 10.90.0.22: removed",
    "route fd01:2::/64 via fd90::12: removed",
    "route 10.244.7.0/24 via 10.90.0.22: added",
    "route fd01:7::/64 via fd90::12: added",
    "masquerade (table inet pontoon-node): changed",
  ]);
  expect(await mustApply(one.place, routedWish(one, [three]))).toEqual([
    "route 10.244.7.0/24 via 10.90.0.22: removed",
    "route fd01:7::/64 via fd90::12: removed",
    "masquerade (table inet pontoon-node): changed",
  ]);
  expect(await routesOf(one)).toEqual(["10.244.3.0/24 via 10.90.0.13", "fd01:3::/64 via fd90::13"]);
  expect(await one.place.must("nft list table inet pontoon-node")).not.toMatch(
    /10\.244\.7|fd01:7|10\.90\.0\.22/,
  );
});

scene(
  "what went stale while nobody looked goes, also what stands twice or leads elsewhere",
  async (world) => {
    const { nodes } = await cluster(world, 2);
    const [one, two] = nodes as [ClusterNode, ClusterNode];
    const wish = routedWish(one, [two]);
    const wanted = await routesOf(one);
    await one.place.must("ip route add 10.244.9.0/24 via 10.90.0.19 proto 180");
    await one.place.must("ip route add 10.244.2.0/24 via 10.90.0.12 metric 5 proto 180");
    await one.place.must("ip -6 route replace fd01:2::/64 via fd90::19 proto 180");
    await one.place.must("nft delete element inet pontoon-node except4 { 10.90.0.11-10.90.0.12 }");
    await one.place.must("nft add rule inet pontoon-node postrouting accept");
    await one.place.must("sysctl -qw net.ipv4.ip_forward=0");
    expect((await mustApply(one.place, wish)).sort()).toEqual([
      "forwarding of IPv4: changed",
      "masquerade (table inet pontoon-node): changed",
      "route 10.244.2.0/24 via 10.90.0.12: removed",
      "route 10.244.9.0/24 via 10.90.0.19: removed",
      "route fd01:2::/64 via fd90::12: changed",
    ]);
    expect(await routesOf(one)).toEqual(wanted);
    expect(await mustApply(one.place, wish)).toEqual([]);
    expect(await one.place.must("nft list table inet pontoon-node")).toContain("10.90.0.11-10.90.0.12");
  },
);

scene(
  "a node behind a router gets no route, nor does a subnet that would cut this node off; all others are made",
  async (world) => {
    const { nodes } = await cluster(world, 2);
    const [one, two] = nodes as [ClusterNode, ClusterNode];
    const wish = routedWish(one, [two]);
    wish["routes"].push(
      { subnet: "10.244.3.0/24", via: "10.91.0.13" },
      { subnet: "10.244.4.0/24", via: one.ipv4 },
      { subnet: "10.244.6.0/24", via: "10.93.0.16" },
      { subnet: "fd01:6::/64", via: "fd93::16" },
      { subnet: "10.90.0.128/25", via: "10.90.0.12" },
      { subnet: "10.90.0.100/32", via: "10.90.0.12" },
      { subnet: "fd90::ffff:0/112", via: "fd90::12" },
    );
    await one.place.must("ip route add unreachable 10.93.0.0/24");
    await one.place.must("ip -6 route add unreachable fd93::/64");
    const before = await routesOf(one);
    // A route from the time when that node was on this segment.
    await one.place.must("ip route add 10.244.3.0/24 via 10.90.0.13 proto 180");
    const { status, changed, refused } = await apply(one.place, wish);
    expect(status).toBe(1);
    expect(changed.map(({ what, action }) => `${what}: ${action}`)).toContain(
      "route 10.244.3.0/24 via 10.90.0.13: removed",
    );
    expect(refused.map(({ what, code }) => `${code}: ${what}`).sort()).toEqual([
      "noDirectWay: route 10.244.3.0/24 via 10.91.0.13",
      "noDirectWay: route 10.244.4.0/24 via 10.90.0.11",
      "noWay: route 10.244.6.0/24 via 10.93.0.16",
      "noWay: route fd01:6::/64 via fd93::16",
      "ownSubnet: route 10.90.0.100/32 via 10.90.0.12",
      "ownSubnet: route 10.90.0.128/25 via 10.90.0.12",
      "ownSubnet: route fd90::ffff:0/112 via fd90::12",
    ]);
    expect(await routesOf(one)).toEqual(before);
  },
);

scene(
  "of two applies at once each is whole: the node is as one of them wished",
  async (world) => {
    const { nodes } = await cluster(world, 2);
    const [one, two] = nodes as [ClusterNode, ClusterNode];
    const [with2, without] = [routedWish(one, [two]), routedWish(one, [])];
    for (let round = 0; round < 5; round++) {
      await Promise.all([with2, without, with2, without].map((wish) => mustApply(one.place, wish)));
      const left = (await routesOf(one)).length > 0 ? with2 : without;
      expect(await mustApply(one.place, left, "--dry-run")).toEqual([]);
    }
  },
  60_000,
);

scene(
  "a wish of 2,000 nodes is made so by one call, and costs the next one no change",
  async (world) => {
    const { nodes } = await cluster(world, 1);
    const [one] = nodes as [ClusterNode];
    const wish = manyNodes(one, 2000);
    const made = await mustApply(one.place, wish);
    expect(made.filter((line) => line.startsWith("route ") && line.endsWith(": added"))).toHaveLength(4000);
    expect((await one.place.must("ip -4 route show proto 180")).trim().split("\n")).toHaveLength(2000);
    expect((await one.place.must("ip -6 route show proto 180")).trim().split("\n")).toHaveLength(2000);
    expect((await one.place.must("bridge fdb show dev pontoon-vxlan")).trim().split("\n")).toHaveLength(1000);
    expect(await mustApply(one.place, wish)).toEqual([]);
    wish["routes"].splice(0, 2);
    expect(await mustApply(one.place, wish)).toHaveLength(3);
  },
  120_000,
);

/** A wish of so many nodes, half of them on the segment, half behind the tunnel. No subnets are adjacent. */
function manyNodes(own: ClusterNode, count: number) {
  const wish = routedWish(own, []);
  const numbers = Array.from({ length: count / 2 }, (_, at) => at);
  const at = (number: number): string => `${number >> 7}.${(number & 127) * 2}`;
  wish["routes"] = numbers.flatMap((number) => [
    { subnet: `11.${at(number)}.0/24`, via: `10.90.0.${20 + (number % 200)}` },
    { subnet: `fd02:${number.toString(16)}::/64`, via: `fd90::${100 + number}` },
  ]);
  wish["tunnel"] = {
    kind: "vxlan",
    vni: 5,
    port: 8472,
    local: own.ipv4,
    peers: numbers.map((number) => ({
      subnets: [`12.${at(number)}.0/24`, `fd03:${number.toString(16)}::/64`],
      address: `13.0.${number >> 8}.${number & 255}`,
      mac: `0e:58:01:00:${[number >> 8, number & 255].map((byte) => byte.toString(16).padStart(2, "0")).join(":")}`,
    })),
  };
  return wish;
}

scene("a process without rights that holds the lock of the namespace stops no apply", async (world) => {
  const lan = await segment(world, "lan");
  const [one, two] = [
    await clusterNode(world, 1, { place: lan }),
    await clusterNode(world, 2, { place: lan }),
  ];
  const holder = one.place.start([
    ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
    ...["flock", "--no-fork", "/proc/self/ns/net", "sleep", "50"],
  ]);
  await waitFor("the lock is held", async () => {
    const { status } = await one.place.exec("flock --nonblock /proc/self/ns/net true");
    return status !== 0;
  });
  const { status, notes } = await apply(one.place, routedWish(one, [two]));
  expect({ status, notes: notes.map(({ code }) => code) }).toEqual({ status: 0, notes: ["heldLock"] });
  expect(await routesOf(one)).toEqual(["10.244.2.0/24 via 10.90.0.12", "fd01:2::/64 via fd90::12"]);
  await holder.stop("SIGKILL");
});
