// `pontoon node` across a router: two segments, and the pods of one reach those of the other by VXLAN.
import { expect } from "vitest";
import {
  addBridge,
  apply,
  type ClusterNode,
  clusterNode,
  goBy,
  mustApply,
  podAddresses,
  pontoonNode,
  routedWish,
  type WishJson,
} from "../support/cluster.ts";
import { scene } from "../support/scene.ts";
import { connect, pings, serve } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import type { Pod, World } from "../support/world.ts";

type Family = "ipv4" | "ipv6";

/** The MAC of a node's tunnel device, as the node itself tells it. */
async function macOf({ place }: ClusterNode): Promise<string> {
  const { stdout } = await pontoonNode(place, ["show", "--json"]);
  return (JSON.parse(stdout) as { tunnel: { mac: string } }).tunnel.mac;
}

/** The wish of a node with these peers behind the tunnel, whose outer packets are of the family. */
function tunnelWish(
  own: ClusterNode,
  peers: readonly ClusterNode[],
  under: Family,
  on: readonly ClusterNode[] = [],
): WishJson {
  const wish = routedWish(own, [...on, ...peers]);
  wish["routes"] = routedWish(own, on)["routes"];
  wish["tunnel"] = {
    kind: "vxlan",
    vni: 4096,
    port: 8472,
    mtu: "auto",
    local: own[under],
    peers: peers.map((peer) => ({ subnets: peer.subnets, address: peer[under] })),
  };
  return wish;
}

/** Nodes 1 and 2 on one segment, node 3 on another, and the router between them. */
async function twoSegments(world: World, under: Family): Promise<{ nodes: ClusterNode[]; router: Pod }> {
  const router = await world.pod("router");
  await router.must("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  for (const net of [90, 91]) {
    const gateway = { ipv4: `10.${net}.0.1`, ipv6: `fd${net}::1` };
    await addBridge(router, `br${net}`, gateway);
  }
  const nodes: ClusterNode[] = [];
  for (const [number, net] of [
    [1, 90],
    [2, 90],
    [3, 91],
  ] as const) {
    const node = await clusterNode(world, number, { place: router, bridge: `br${net}`, net });
    await goBy(node.place, { ipv4: `10.${net}.0.1`, ipv6: `fd${net}::1` });
    nodes.push(node);
  }
  const [one, two, three] = nodes as [ClusterNode, ClusterNode, ClusterNode];
  await mustApply(one.place, tunnelWish(one, [three], under, [two]));
  await mustApply(two.place, tunnelWish(two, [three], under, [one]));
  await mustApply(three.place, tunnelWish(three, [one, two], under));
  return { nodes, router };
}

for (const [under, overhead] of [
  ["ipv4", 50],
  ["ipv6", 70],
] as const)
  scene(
    `over ${under}: pods of two segments reach each other with full packets and their own addresses, and nodes and machines outside see what they should`,
    async (world) => {
      const { nodes, router } = await twoSegments(world, under);
      const [one, two, three] = nodes as [ClusterNode, ClusterNode, ClusterNode];
      // Full packets of the inner MTU, which may not be broken up: a pod learns the MTU by path discovery.
      const payload = { ipv4: 1500 - overhead - 28, ipv6: 1500 - overhead - 48 };
      for (const family of ["ipv4", "ipv6"] as const) {
        const far = podAddresses(3)[family];
        for (const { pod } of [one, two]) await waitFor("pods reach each other", () => pings(pod, far));
        const full = await one.pod.must(`ping -n -M do -c 1 -W 2 -s ${payload[family]} ${far}`);
        expect(full).toContain(" 0% packet loss");
        const larger = await one.pod.exec(`ping -n -M do -c 1 -W 1 -s ${payload[family] + 1} ${far}`);
        expect(larger.status).not.toBe(0);
        const [any, port] = family === "ipv4" ? ["0.0.0.0", 80] : (["::", 81] as const);
        const own = podAddresses(1)[family];
        for (const [from, place, address, seen] of [
          [one.pod, three.pod, far, own],
          [one.pod, two.pod, podAddresses(2)[family], own],
          [one.pod, three.place, three[family], own],
          [one.place, three.pod, far, family === "ipv4" ? "10.244.1.0" : "fd01:1::"],
          [one.pod, router, family === "ipv4" ? "10.91.0.1" : "fd91::1", one[family]],
        ] as const) {
          await using _server = await serve(place, "tcp", any, Number(port));
          expect(await connect(from, address, Number(port)), `${from.name} to ${place.name}`).toBe(
            `${place.name} saw ${seen}`,
          );
        }
      }
    },
    90_000,
  );

scene(
  "the device has the MAC of its node's address for ever, learns nothing, and is whole after each apply",
  async (world) => {
    const { nodes } = await twoSegments(world, "ipv4");
    const [one, , three] = nodes as [ClusterNode, ClusterNode, ClusterNode];
    const wish = tunnelWish(one, [three], "ipv4");
    await mustApply(one.place, wish);
    const mac = await macOf(one);
    expect(await mustApply(one.place, wish)).toEqual([]);
    for (const hurt of [
      "ip link set pontoon-vxlan down",
      "ip link set pontoon-vxlan mtu 1300",
      "ip link set pontoon-vxlan address 0e:58:00:00:00:99",
      "ip link set pontoon-vxlan type vxlan learning",
      "ip link delete pontoon-vxlan",
      "ip address flush dev pontoon-vxlan",
      "ip address add 192.0.2.1/32 dev pontoon-vxlan",
      "ip neighbour flush dev pontoon-vxlan nud permanent",
      "ip neighbour add 10.244.9.0 lladdr 0e:58:00:00:00:99 dev pontoon-vxlan",
      `bridge fdb del ${await macOf(three)} dev pontoon-vxlan`,
      "bridge fdb append 0e:58:00:00:00:99 dst 10.91.0.99 dev pontoon-vxlan",
      "ip route flush proto 180",
    ]) {
      await one.place.must(hurt);
      expect(await mustApply(one.place, wish), hurt).not.toEqual([]);
      expect(await mustApply(one.place, wish), hurt).toEqual([]);
      expect(await macOf(one)).toBe(mac);
      for (const address of Object.values(podAddresses(3)))
        await waitFor(`pods reach each other after ${hurt}`, () => pings(one.pod, address));
    }
    expect(await one.place.must("ip -d link show pontoon-vxlan")).toMatch(/ nolearning .*addrgenmode none/s);
    expect(await mustApply(one.place, { ...wish, tunnel: { ...wish["tunnel"], vni: 4097 } })).toContain(
      "tunnel pontoon-vxlan: changed",
    );
    expect(await mustApply(one.place, wish)).toContain("tunnel pontoon-vxlan: changed");
    await waitFor("pods reach each other again", () => pings(one.pod, podAddresses(3).ipv4));
  },
  90_000,
);

scene(
  "a peer with another address, MAC or subnet is followed, and one that goes leaves nothing",
  async (world) => {
    const { nodes } = await twoSegments(world, "ipv4");
    const [one, two, three] = nodes as [ClusterNode, ClusterNode, ClusterNode];
    const wish = tunnelWish(one, [three], "ipv4", [two]);
    const peer = { ...wish["tunnel"].peers[0], mac: await macOf(three) };
    const mac = "0e:58:00:00:00:33";
    const steps: [object, string[]][] = [
      [{ ...peer, address: "10.91.0.33" }, [`entry ${peer.mac} at 10.91.0.33: changed`]],
      [
        { ...peer, mac },
        [
          expect.stringMatching(/^entry fe80::\S+ is \S+: removed$/),
          `entry ${peer.mac} at 10.91.0.33: removed`,
          `entry ${mac} at 10.91.0.13: added`,
          `entry 10.244.3.0 is ${mac}: changed`,
          expect.stringMatching(/^entry fe80::\S+ is 0e:58:00:00:00:33: added$/),
          "route fd01:3::/64 by the tunnel: changed",
        ],
      ],
      [
        { ...peer, mac, subnets: ["10.244.8.0/24"] },
        [
          "entry 10.244.3.0 is 0e:58:00:00:00:33: removed",
          expect.stringMatching(/^entry fe80::\S+ is 0e:58:00:00:00:33: removed$/),
          "entry 10.244.8.0 is 0e:58:00:00:00:33: added",
          "route 10.244.3.0/24 via 10.244.3.0: removed",
          expect.stringMatching(/^route fd01:3::\/64 via fe80::\S+: removed$/),
          "route 10.244.8.0/24 by the tunnel: added",
          "masquerade (table inet pontoon-node): changed",
        ],
      ],
    ];
    for (const [changed, lines] of steps) {
      wish["tunnel"].peers = [changed];
      expect(await mustApply(one.place, wish)).toEqual(lines);
      expect(await mustApply(one.place, wish)).toEqual([]);
    }
    wish["tunnel"].peers = [];
    await mustApply(one.place, wish);
    expect(await one.place.must("bridge fdb show dev pontoon-vxlan")).toBe("");
    expect(await one.place.must("ip neighbour show dev pontoon-vxlan nud permanent")).toBe("");
    expect(await one.place.must("ip route show dev pontoon-vxlan proto 180")).toBe("");
    const { tunnel: _, ...without } = wish;
    expect(await mustApply(one.place, without)).toEqual(["tunnel pontoon-vxlan: removed"]);
  },
  60_000,
);

scene("a node that moves to the segment gets a route in place of the tunnel, and back", async (world) => {
  const { nodes } = await twoSegments(world, "ipv4");
  const [one, two] = nodes as [ClusterNode, ClusterNode];
  const direct = tunnelWish(one, [], "ipv4", [two]);
  const tunnelled = tunnelWish(one, [two], "ipv4");
  await mustApply(one.place, direct);
  await mustApply(two.place, tunnelWish(two, [one], "ipv4"));
  for (const wish of [tunnelled, direct, tunnelled]) {
    const lines = await mustApply(one.place, wish);
    expect(lines.filter((line) => line.startsWith("route "))).toEqual([
      expect.stringMatching(/^route 10\.244\.2\.0\/24 .*: changed$/),
      expect.stringMatching(/^route fd01:2::\/64 .*: changed$/),
    ]);
    expect(await mustApply(one.place, wish)).toEqual([]);
  }
  await waitFor("pods reach each other", () => pings(one.pod, podAddresses(2).ipv4));
});

scene(
  "a tunnel that cannot be is refused by name; what is there of it stays, and all else is done",
  async (world) => {
    const { nodes } = await twoSegments(world, "ipv4");
    const [one, two, three] = nodes as [ClusterNode, ClusterNode, ClusterNode];
    const wish = tunnelWish(one, [three], "ipv4", [two]);
    await one.place.must("ip route delete 10.244.2.0/24");
    const elsewhere = await apply(one.place, { ...wish, tunnel: { ...wish["tunnel"], local: "10.90.0.77" } });
    expect(elsewhere).toMatchObject({
      status: 1,
      changed: [{ what: "route 10.244.2.0/24 via 10.90.0.12", action: "added" }],
      refused: [
        {
          what: "tunnel pontoon-vxlan",
          code: "noUplink",
          reason: "no interface of this node has the address 10.90.0.77",
        },
      ],
    });
    expect(await pings(one.pod, podAddresses(3).ipv4)).toBe(true);
    // The number and port of another program's device.
    await one.place.must("ip link add other type vxlan id 99 dstport 8472 dev eth0");
    const taken = await apply(one.place, { ...wish, tunnel: { ...wish["tunnel"], vni: 99 } });
    expect(taken).toMatchObject({
      status: 1,
      refused: [{ what: "tunnel pontoon-vxlan", code: "kernelRefused" }],
    });
    await one.place.must("ip link add external type vxlan external dstport 4789");
    await one.place.must("ip link set external up");
    const bound = await apply(one.place, { ...wish, tunnel: { ...wish["tunnel"], port: 4789 } });
    expect(bound.refused).toEqual([
      {
        what: "tunnel pontoon-vxlan",
        code: "kernelRefused",
        reason:
          "the kernel refuses it: EADDRINUSE (another program, or a tunnel of another kind, has its UDP port)",
      },
    ]);
    await mustApply(one.place, wish);
    await waitFor("pods reach each other again", () => pings(one.pod, podAddresses(3).ipv4));
    // The name of another program's device.
    await one.place.must("ip link delete pontoon-vxlan");
    await one.place.must("ip link add pontoon-vxlan type bridge");
    expect(await apply(one.place, wish)).toMatchObject({
      status: 1,
      refused: [
        {
          what: "tunnel pontoon-vxlan",
          code: "foreignDevice",
          reason: "an interface of this name is there, and is not Pontoon's",
        },
      ],
    });
    await pontoonNode(one.place, ["remove"]);
    expect(await one.place.must("ip -d link show pontoon-vxlan")).toContain("bridge");
  },
);

scene("pods of two segments reach each other where the node lets no new interface forward", async (world) => {
  const { nodes } = await twoSegments(world, "ipv4");
  const [one, , three] = nodes as [ClusterNode, ClusterNode, ClusterNode];
  const wish = tunnelWish(one, [three], "ipv4");
  for (const hurt of [
    "ip link delete pontoon-vxlan && sysctl -qw net.ipv4.conf.default.forwarding=0",
    "sysctl -qw net.ipv4.conf.pontoon-vxlan.forwarding=0",
  ]) {
    await one.place.must(["sh", "-c", hurt]);
    expect(await mustApply(one.place, wish), hurt).not.toEqual([]);
    expect(await mustApply(one.place, wish), hurt).toEqual([]);
    await waitFor(`pods reach each other after ${hurt}`, () => pings(one.pod, podAddresses(3).ipv4));
  }
});

scene("an address on the loopback gives the tunnel the MTU of the way out", async (world) => {
  const { nodes } = await twoSegments(world, "ipv4");
  const [one, , three] = nodes as [ClusterNode, ClusterNode, ClusterNode];
  await one.place.must("ip address add 10.99.0.1/32 dev lo");
  const wish = tunnelWish(one, [three], "ipv4");
  const from = (local: string): WishJson => ({ ...wish, tunnel: { ...wish["tunnel"], local } });
  for (const [mtu, wanted] of [
    ["1500", 1450],
    ["1400", 1350],
  ] as const) {
    await one.place.must(`ip link set eth0 mtu ${mtu}`);
    await mustApply(one.place, from("10.99.0.1"));
    expect(await one.place.must("ip link show pontoon-vxlan")).toContain(` mtu ${wanted} `);
  }
});

scene("over IPv4 a way of 1,280 bytes carries packets of 1,280 bytes of both families", async (world) => {
  const { nodes } = await twoSegments(world, "ipv4");
  const [one, two, three] = nodes as [ClusterNode, ClusterNode, ClusterNode];
  for (const { place } of nodes) await place.must("ip link set eth0 mtu 1280");
  for (const [own, peers] of [
    [one, [three]],
    [three, [one, two]],
  ] as const) {
    await mustApply(own.place, tunnelWish(own, peers, "ipv4"));
    expect(await own.place.must("ip link show pontoon-vxlan")).toContain(" mtu 1280 ");
  }
  for (const [family, payload] of [
    ["ipv4", 1252],
    ["ipv6", 1232],
  ] as const)
    await waitFor(`full packets of ${family} arrive`, async () => {
      const sent = await one.pod.exec(`ping -n -c 1 -W 1 -s ${payload} ${podAddresses(3)[family]}`);
      return sent.status === 0;
    });
});
