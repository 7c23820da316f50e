// What is made of the cluster's nodes: whose subnets and addresses count, and the wish.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Cluster, readCluster } from "../../agent/cluster/members.ts";
import { type ClusterNode, readNode } from "../../agent/cluster/node-object.ts";
import { Subnets } from "../../agent/cluster/subnets.ts";
import { tunnelMac } from "../../agent/cluster/tunnel-mac.ts";
import { decide, probeOf, type Ways } from "../../agent/cluster/wish.ts";
import { readSettings, type Settings } from "../../agent/settings.ts";
import { readWish } from "../../src/cluster/wish.ts";
import { parseAddress } from "../../src/ip/address.ts";
import { formatPrefix, type Prefix, parsePrefix } from "../../src/ip/prefix.ts";

const OWN = "node1";

function node(number: number, more: Partial<ClusterNode> = {}): ClusterNode {
  return {
    name: `node${number}`,
    uid: `uid-${number}`,
    created: 1000 + number,
    podCIDRs: [`10.244.${number}.0/24`, `fd01:${number}::/64`],
    internalIPs: [`10.90.0.1${number}`, `fd90::1${number}`],
    ...more,
  };
}

function read(...nodes: ClusterNode[]): Cluster {
  return readCluster(new Map(nodes.map((each) => [each.name, each])), OWN);
}

function settings(...args: string[]): Settings {
  const asked = readSettings(["--node-name", OWN, "--api", "https://localhost", ...args], {});
  if (!("settings" in asked)) throw new Error("These are no settings.");
  return asked.settings;
}

/** All ways need no router, but those to these addresses. */
function ways(...indirect: string[]): Ways {
  return { isDirect: (address) => !indirect.includes(address), mtuOf: () => 1500, hasPortAbove: () => false };
}

/** The wish as the executable reads it. */
function accepted(wish: ReturnType<typeof decide>["wish"]) {
  return readWish(JSON.stringify(wish));
}

const subnetsOf = (cluster: Cluster, name: string): string[] =>
  [cluster.own, ...cluster.others].find((each) => each?.name === name)?.subnets.map(formatPrefix) ?? [];
const codesOf = ({ problems }: { problems: { code: string; node: string }[] }): string[] =>
  problems.map(({ code, node: name }) => `${code} ${name}`);

describe("whose subnets and addresses count", () => {
  test("a podCIDR that two nodes have stays with the one whose object is older, and it is told", () => {
    const cluster = read(node(1), node(2), node(3, { podCIDRs: ["10.244.2.0/24"] }));
    expect(subnetsOf(cluster, "node2")).toEqual(["10.244.2.0/24", "fd01:2::/64"]);
    expect(subnetsOf(cluster, "node3")).toEqual([]);
    expect(codesOf(cluster)).toEqual(["overlap node3"]);
    expect(cluster.problems[0]?.text).toContain(
      "10.244.2.0/24 of node node3 overlaps 10.244.2.0/24 of node node2",
    );
  });

  test.each([
    ["a part of the other", "10.244.2.128/25"],
    ["all of the other and more", "10.244.2.0/23"],
  ])("a podCIDR that is %s counts as the same", (_, cidr) => {
    const cluster = read(node(1), node(2), node(9, { podCIDRs: [cidr] }));
    expect(subnetsOf(cluster, "node2")).toEqual(["10.244.2.0/24", "fd01:2::/64"]);
    expect(codesOf(cluster)).toEqual(["overlap node9"]);
  });

  test("this node's own podCIDR stays its own, however old the other is", () => {
    const cluster = read(node(1), node(2, { podCIDRs: ["10.244.1.0/24"], created: 1 }));
    expect(subnetsOf(cluster, OWN)).toEqual(["10.244.1.0/24", "fd01:1::/64"]);
    expect(subnetsOf(cluster, "node2")).toEqual([]);
    expect(codesOf(cluster)).toEqual(["overlap node2"]);
  });

  test("nodes that were made in one second have one order, whatever the list's", () => {
    const twins = [node(2, { created: 5 }), node(3, { created: 5, podCIDRs: ["10.244.2.0/24"] })];
    const orders = [read(node(1), ...twins), read(...twins.toReversed(), node(1))];
    expect(orders.map((cluster) => subnetsOf(cluster, "node3"))).toEqual([[], []]);
  });

  test("a node that says it has another's address takes nothing from it: both are reached there", () => {
    const cluster = read(node(1), node(2), node(3, { internalIPs: ["10.90.0.12", "fd90::12"] }));
    expect(codesOf(cluster)).toEqual(["same-address node3", "same-address node3"]);
    const { wish } = decide(cluster, settings(), ways());
    expect(wish?.routes).toEqual([
      { subnet: "10.244.2.0/24", via: "10.90.0.12" },
      { subnet: "fd01:2::/64", via: "fd90::12" },
      { subnet: "10.244.3.0/24", via: "10.90.0.12" },
      { subnet: "fd01:3::/64", via: "fd90::12" },
    ]);
    const tunnel = decide(cluster, settings("--backend", "vxlan"), ways()).wish;
    expect(tunnel?.tunnel?.peers).toEqual([
      {
        subnets: ["10.244.2.0/24", "fd01:2::/64", "10.244.3.0/24", "fd01:3::/64"],
        address: "10.90.0.12",
      },
    ]);
    accepted(wish);
    accepted(tunnel);
  });

  test("many nodes with one address leave a wish that is accepted", () => {
    const others = Array.from({ length: 12 }, (_, at) => node(at + 2, { internalIPs: ["10.90.0.12"] }));
    const { wish } = decide(read(node(1), ...others), settings("--backend", "vxlan"), ways());
    expect(accepted(wish).tunnel?.peers).toHaveLength(1);
  });

  test("a node whose address makes the MAC of an older one's tunnel device is left out alone, and told", () => {
    const [first, second] = ["10.132.99.25", "10.149.196.82"];
    expect([tunnelMac(first), tunnelMac(second)]).toEqual(["0e:84:e9:47:e0:3d", "0e:84:e9:47:e0:3d"]);
    const cluster = read(
      node(1),
      node(2, { internalIPs: [second], created: 9e9 }),
      node(3, { internalIPs: [first] }),
    );
    const decision = decide(cluster, settings("--backend", "vxlan"), ways());
    expect(accepted(decision.wish).tunnel?.peers).toHaveLength(1);
    expect(decision.wish?.tunnel?.peers[0]?.address).toBe(first);
    expect(codesOf(decision)).toEqual(["same-mac node2"]);
  });

  test("with the cluster's range no podCIDR outside of it counts, and no address in it", () => {
    const all = [
      node(1, { created: 9e9 }),
      node(2, { podCIDRs: ["8.8.8.0/24", "fd01:2::/64"], created: 1 }),
      node(3, { internalIPs: ["10.244.4.9", "fd90::13"], created: 1 }),
      node(4),
    ];
    const range = ["10.244.0.0/16", "fd01::/16"].flatMap((text) => parsePrefix(text) ?? []);
    const cluster = readCluster(new Map(all.map((each) => [each.name, each])), OWN, range);
    expect(subnetsOf(cluster, "node2")).toEqual(["fd01:2::/64"]);
    expect(subnetsOf(cluster, "node4")).toEqual(["10.244.4.0/24", "fd01:4::/64"]);
    expect(codesOf(cluster).sort()).toEqual(["wrong-address node3", "wrong-pod-cidr node2"]);
  });

  test("this node's own address is no other's", () => {
    const cluster = read(node(1), node(2, { internalIPs: ["10.90.0.11"], created: 1 }));
    expect(codesOf(cluster)).toEqual(["same-address node2"]);
    expect(cluster.others[0]?.addresses).toEqual([]);
    expect(cluster.own?.addresses).toHaveLength(2);
  });

  test("of an address and the podCIDR that holds it, the older node's counts", () => {
    const wide = read(node(1), node(2), node(3, { podCIDRs: ["10.90.0.0/28"] }));
    expect([subnetsOf(wide, "node3"), codesOf(wide)]).toEqual([[], ["overlap node3"]]);
    const inside = read(node(1), node(2), node(3, { internalIPs: ["10.244.2.9"] }));
    expect(subnetsOf(inside, "node2")).toEqual(["10.244.2.0/24", "fd01:2::/64"]);
    expect([inside.others[1]?.addresses, codesOf(inside)]).toEqual([[], ["overlap node3"]]);
  });

  test.each([
    ["podCIDRs", "10.244.2.0", "wrong-pod-cidr"],
    ["podCIDRs", "127.0.0.0/8", "wrong-pod-cidr"],
    ["podCIDRs", "0.0.0.0/0", "wrong-pod-cidr"],
    ["internalIPs", "node2.example", "wrong-address"],
    ["internalIPs", "169.254.1.1", "wrong-address"],
    ["internalIPs", "::1", "wrong-address"],
  ] as const)("%s of %s is told and left out", (key, text, code) => {
    expect(codesOf(read(node(1), node(2, { [key]: [text] })))).toEqual([`${code} node2`]);
  });

  test("this node's own podCIDR stays its own, too, where it holds another node's address: that gives way", () => {
    const cluster = read(node(1, { podCIDRs: ["10.90.0.0/24"], internalIPs: ["fd90::11"] }), node(2));
    expect(subnetsOf(cluster, OWN)).toEqual(["10.90.0.0/24"]);
    expect(cluster.others[0]?.addresses.map(({ family }) => family)).toEqual([6]);
    expect(codesOf(cluster)).toEqual(["overlap node2"]);
  });

  test("a podCIDR that holds the node's own address counts for nobody, on the node itself and on others", () => {
    const wrong = { podCIDRs: ["10.90.0.0/24", "fd01:7::/64"] };
    const own = read(node(1, wrong), node(2));
    expect([subnetsOf(own, OWN), codesOf(own)]).toEqual([["fd01:7::/64"], ["overlap node1"]]);
    expect([own.own?.addresses.length, own.others[0]?.addresses.length]).toEqual([2, 2]);
    const other = read(node(1), node(2, wrong));
    expect([subnetsOf(other, "node2"), codesOf(other)]).toEqual([["fd01:7::/64"], ["overlap node2"]]);
  });

  test("a podCIDR that one node lists twice is one, and no problem", () => {
    const cluster = read(node(1), node(2, { podCIDRs: ["10.244.2.0/24", "10.244.2.0/24"] }));
    expect(subnetsOf(cluster, "node2")).toEqual(["10.244.2.0/24"]);
    expect(codesOf(cluster)).toEqual([]);
  });

  test("host bits of a podCIDR are no mistake", () => {
    expect(subnetsOf(read(node(1), node(2, { podCIDRs: ["10.244.2.7/24"] })), "node2")).toEqual([
      "10.244.2.0/24",
    ]);
  });

  test.each([
    undefined,
    null,
    {},
    { metadata: {} },
    { metadata: { name: "a" } },
    { metadata: { name: 1, uid: "u" } },
  ])("%j is no Node", (object) => {
    expect(readNode(object)).toBeUndefined();
  });
});

describe("subnets that do not overlap", () => {
  const prefix = (text: string): Prefix => parsePrefix(text)!;
  const holder = (subnets: Subnets, text: string): string | undefined =>
    subnets.holderOf(parseAddress(text)!)?.owner;

  test("each holds its first and its last address, and none beside them", () => {
    const subnets = new Subnets();
    expect(subnets.claim(prefix("10.0.1.0/24"), "a")).toBeUndefined();
    expect(subnets.claim(prefix("10.0.2.0/31"), "b")).toBeUndefined();
    expect(subnets.claim(prefix("0.0.0.0/32"), "c")).toBeUndefined();
    const addresses = ["0.0.0.0", "10.0.0.255", "10.0.1.0", "10.0.1.255", "10.0.2.0", "10.0.2.1", "10.0.2.2"];
    expect(addresses.map((text) => holder(subnets, text))).toEqual([
      "c",
      undefined,
      "a",
      "a",
      "b",
      "b",
      undefined,
    ]);
    expect(holder(subnets, "::a00:100")).toBeUndefined();
  });

  test("one is refused that shares but one address with another", () => {
    const subnets = new Subnets();
    subnets.claim(prefix("10.0.1.0/24"), "a");
    for (const text of ["10.0.1.0/32", "10.0.1.255/32", "10.0.0.0/23", "10.0.1.0/24"])
      expect(subnets.claim(prefix(text), "b")?.owner, text).toBe("a");
    for (const text of ["10.0.0.255/32", "10.0.2.0/32"])
      expect(subnets.claim(prefix(text), "b"), text).toBeUndefined();
  });
});

describe("the wish", () => {
  test("routes: all nodes of the segment by their addresses of the family, as a document that is accepted", () => {
    const { wish, problems } = decide(read(node(1), node(2)), settings(), ways());
    expect(problems).toEqual([]);
    expect(wish?.routes).toEqual([
      { subnet: "10.244.2.0/24", via: "10.90.0.12" },
      { subnet: "fd01:2::/64", via: "fd90::12" },
    ]);
    expect(wish?.tunnel).toBeUndefined();
    expect(accepted(wish).podSubnets).toHaveLength(2);
  });

  test("auto: a node behind a router goes by the tunnel with all its subnets, the others by routes", () => {
    const { wish } = decide(read(node(1), node(2), node(3)), settings(), ways("10.90.0.13", "fd90::13"));
    expect(wish?.routes.map(({ via }) => via)).toEqual(["10.90.0.12", "fd90::12"]);
    expect(wish?.tunnel).toMatchObject({
      local: "10.90.0.11",
      peers: [{ subnets: ["10.244.3.0/24", "fd01:3::/64"], address: "10.90.0.13" }],
    });
    expect(accepted(wish).tunnel?.peers).toHaveLength(1);
  });

  test("auto: a node that one family reaches by a router goes by the tunnel with both", () => {
    const { wish } = decide(read(node(1), node(2)), settings(), ways("fd90::12"));
    expect(wish?.routes).toEqual([]);
    expect(wish?.tunnel?.peers).toEqual([
      { subnets: ["10.244.2.0/24", "fd01:2::/64"], address: "10.90.0.12" },
    ]);
  });

  test("auto: a node without an address of one family goes by the tunnel with both", () => {
    const { wish } = decide(read(node(1), node(2, { internalIPs: ["10.90.0.12"] })), settings(), ways());
    expect(wish?.routes).toEqual([]);
    expect(wish?.tunnel?.peers[0]?.subnets).toEqual(["10.244.2.0/24", "fd01:2::/64"]);
  });

  test("vxlan: the tunnel is there before another node is, so that the first pods have its MTU", () => {
    const { wish } = decide(read(node(1)), settings("--backend", "vxlan"), ways());
    expect(wish?.tunnel?.peers).toEqual([]);
    expect(wish?.conflist?.content).toContain('"mtu": 1450');
  });

  test("the configuration leaves masquerading to the node, and lets pods pass a FORWARD that drops", () => {
    const { wish } = decide(read(node(1)), settings(), ways());
    const list = JSON.parse(wish?.conflist?.content ?? "") as { name: string; plugins: object[] };
    expect(list).toMatchObject({ cniVersion: "1.0.0", cniVersions: ["1.0.0", "1.1.0"], name: "pods" });
    expect(list.plugins).toMatchObject([
      {
        type: "pontoon",
        bridge: "pontoon0",
        isDefaultGateway: true,
        hairpinMode: true,
        ipMasq: false,
        ingressPolicy: "open",
        capabilities: { portMappings: true, bandwidth: true },
        ipam: { type: "host-local", ranges: [[{ subnet: "10.244.1.0/24" }], [{ subnet: "fd01:1::/64" }]] },
      },
    ]);
  });

  test("routes alone: a node behind a router gets none, and it is told", () => {
    const decision = decide(
      read(node(1), node(2)),
      settings("--backend", "routes"),
      ways("10.90.0.12", "fd90::12"),
    );
    expect(decision.wish?.routes).toEqual([]);
    expect(codesOf(decision)).toEqual(["no-direct-way node2"]);
  });

  test("vxlan: all nodes by the tunnel, whose settings are those of the options", () => {
    const { wish } = decide(
      read(node(1), node(2)),
      settings("--backend", "vxlan", "--vni", "7", "--port", "4789", "--mtu", "1300"),
      ways(),
    );
    expect(wish?.routes).toEqual([]);
    expect(wish?.tunnel).toMatchObject({ vni: 7, port: 4789, mtu: 1300 });
    expect(wish?.tunnel?.peers).toHaveLength(1);
  });

  test.each([
    [1500, [], 1450],
    [1500, ["--mtu", "1300"], 1300],
    [1280, [], 1280],
    [1329, [], 1280],
    [1331, [], 1281],
  ])("a way of %i bytes, options %j: pods have an MTU of %i, 1280 at least for IPv6", (mtu, args, wanted) => {
    const of = (...nodes: ClusterNode[]): string =>
      decide(read(...nodes), settings("--backend", "vxlan", ...args), { ...ways(), mtuOf: () => mtu }).wish
        ?.conflist?.content ?? "";
    expect(of(node(1), node(2))).toContain(`"mtu": ${wanted},`);
    const four = (number: number): ClusterNode => node(number, { podCIDRs: [`10.244.${number}.0/24`] });
    expect(of(four(1), four(2))).toContain(`"mtu": ${args.length > 0 ? wanted : mtu - 50},`);
    expect(of(four(1), node(2))).toContain(`"mtu": ${wanted},`);
  });

  test("none: no way at all, and pods keep their address to all pods and nodes", () => {
    const { wish } = decide(read(node(1), node(2)), settings("--backend", "none"), ways());
    expect(wish?.routes).toEqual([]);
    expect(wish?.tunnel).toBeUndefined();
    expect(wish?.masquerade?.except).toEqual(
      expect.arrayContaining(["10.244.2.0/24", "10.90.0.12/32", "fd90::12/128"]),
    );
  });

  test("the tunnel is of IPv6 where this node has no InternalIP of IPv4; who has none of that family is told", () => {
    const decision = decide(
      read(node(1, { internalIPs: ["fd90::11"] }), node(2), node(3, { internalIPs: ["10.90.0.13"] })),
      settings("--backend", "vxlan"),
      ways(),
    );
    expect(decision.wish?.tunnel).toMatchObject({ local: "fd90::11", peers: [{ address: "fd90::12" }] });
    expect(decision.wish?.conflist?.content).toContain('"mtu": 1430');
    expect(codesOf(decision)).toEqual(["no-address node3"]);
  });

  test.each([
    [[], undefined],
    [["--backend", "vxlan"], 1450],
    [["--backend", "vxlan", "--mtu", "1300"], 1300],
    [["--mtu", "9000"], 9000],
  ])("with %j the pods' MTU is %s", (args, mtu) => {
    const { wish } = decide(read(node(1), node(2)), settings(...args), ways());
    const { plugins } = JSON.parse(wish?.conflist?.content ?? "") as { plugins: { mtu?: number }[] };
    expect(plugins[0]?.mtu).toBe(mtu);
  });

  test.each([
    [[], ["pontoon0", 1450]],
    [
      ["--mtu", "1300"],
      ["pontoon0", 1300],
    ],
    [
      ["--conflist-patch", '{"bridge": "br1"}'],
      ["br1", 1450],
    ],
  ])("with %j pods that send more than the tunnel takes are told, by the ports of %j", (args, asked) => {
    const seen: unknown[] = [];
    const hasPortAbove: Ways["hasPortAbove"] = (...about) => (seen.push(about), true);
    const far = { ...ways("10.90.0.12", "fd90::12"), hasPortAbove };
    const cluster = read(node(1), node(2));
    const decision = decide(cluster, settings(...args), far);
    expect(codesOf(decision)).toEqual(["mtu-above-tunnel node1"]);
    expect(decision.problems[0]?.text).toContain(`${asked[1]} bytes`);
    expect(seen).toEqual([asked]);
    // Care tells it by the doctor; and for no tunnel, or one to nobody, no packet is too large.
    expect(codesOf(decide(cluster, settings(...args, "--care", "true"), far))).toEqual([]);
    expect(codesOf(decide(cluster, settings(...args), { ...ways(), hasPortAbove }))).toEqual([]);
    expect(
      codesOf(decide(read(node(1)), settings(...args, "--backend", "vxlan"), { ...ways(), hasPortAbove })),
    ).toEqual([]);
  });

  test("pods keep their address to nodes of the segment and to --no-masquerade, and not to nodes behind a router", () => {
    const { wish } = decide(
      read(node(1), node(2), node(3)),
      settings("--no-masquerade", "192.168.0.0/16,fc00::/7"),
      ways("10.90.0.13", "fd90::13"),
    );
    const except = wish?.masquerade?.except ?? [];
    expect(except).toEqual(
      expect.arrayContaining([
        "10.90.0.11/32",
        "10.90.0.12/32",
        "fd90::12/128",
        "192.168.0.0/16",
        "fc00::/7",
      ]),
    );
    expect(except).not.toContain("10.90.0.13/32");
  });

  test("no further address that a node has, or says it has, takes masquerading from a machine outside", () => {
    const liar = node(2, {
      podCIDRs: ["10.244.2.0/24"],
      internalIPs: ["10.90.0.12", "8.8.8.8", "2001:db8::8"],
    });
    const bare = node(3, { podCIDRs: [], internalIPs: ["9.9.9.9"] });
    const { wish } = decide(read(node(1), liar, bare), settings(), ways());
    expect(wish?.masquerade?.except).toEqual([
      "10.90.0.11/32",
      "fd90::11/128",
      "10.90.0.12/32",
      "10.244.2.0/24",
    ]);
    const { wish: routedByCloud } = decide(read(node(1), liar), settings("--backend", "none"), ways());
    expect(routedByCloud?.masquerade?.except).not.toContain("8.8.8.8/32");
  });

  test("a node that writes very many and very long addresses costs others nothing", () => {
    const addresses = Array.from({ length: 50_000 }, (_, at) => `10.${at >> 8}.${at & 255}.9`).concat(
      "x".repeat(100_000),
    );
    const kept = readNode({
      metadata: { name: "node2", uid: "u" },
      spec: { podCIDRs: ["10.244.2.0/24"] },
      status: {
        addresses: ["y".repeat(100_000), ...addresses].map((address) => ({ type: "InternalIP", address })),
      },
    })?.value;
    expect(JSON.stringify(kept).length).toBeLessThan(1000);
    const decision = decide(read(node(1), kept!), settings("--backend", "none"), ways());
    expect(accepted(decision.wish).masquerade?.except.length).toBeLessThan(10);
    expect(codesOf(decision)).toEqual(["wrong-address node2"]);
  });

  test("--masquerade=false: nothing is masqueraded", () => {
    expect(decide(read(node(1)), settings("--masquerade", "false"), ways()).wish?.masquerade).toBeUndefined();
  });

  test("--conflist-patch is laid over the plugin's entry, and null takes a key away", () => {
    const patch = '{"macspoofchk": true, "hairpinMode": null, "ipam": {"dataDir": "/x"}}';
    const { wish } = decide(read(node(1)), settings("--conflist-patch", patch), ways());
    const { plugins } = JSON.parse(wish?.conflist?.content ?? "") as { plugins: Record<string, unknown>[] };
    expect(plugins[0]).toMatchObject({ macspoofchk: true, ipam: { type: "host-local", dataDir: "/x" } });
    expect(plugins[0]).not.toHaveProperty("hairpinMode");
  });

  test("no podCIDR: no wish, and the words say which options the controller manager needs", () => {
    const decision = decide(read(node(1, { podCIDRs: [] }), node(2)), settings(), ways());
    expect(decision.wish).toBeUndefined();
    expect(decision.problems[0]?.text).toMatch(/--allocate-node-cidrs.*--cluster-cidr.*mask/);
  });

  test.each([
    [["10.90.0.0/24"], "holds 10.90.0.11, the node's own address"],
    [["8.8.8.0/24"], "is outside of --cluster-cidr"],
    [["10.244.1.0"], "must be a subnet"],
  ])("no podCIDR of %j counts: no wish, and the words say why", (podCIDRs, reason) => {
    const all = new Map([[OWN, node(1, { podCIDRs })]]);
    const range = ["10.0.0.0/8"].flatMap((text) => parsePrefix(text) ?? []);
    const cluster = readCluster(all, OWN, podCIDRs[0] === "8.8.8.0/24" ? range : []);
    const { wish, none } = decide(cluster, settings(), ways());
    expect([wish, none?.code]).toEqual([undefined, "no-pod-cidr"]);
    expect(none?.text).toContain("has no podCIDR that counts: ");
    expect(none?.text).toContain(reason);
  });

  test("a node that joins, with a podCIDR and no address yet, is no reason for a tunnel", () => {
    const decision = decide(read(node(1), node(2), node(3, { internalIPs: [] })), settings(), ways());
    expect(decision.wish?.tunnel).toBeUndefined();
    expect(decision.wish?.conflist?.content).not.toContain('"mtu"');
    expect(codesOf(decision)).toEqual(["no-address node3"]);
  });

  test.each([
    ["vxlan", [], "none"],
    ["auto", ["10.90.0.12", "fd90::12"], "none"],
    ["auto", [], "a wish"],
    ["routes", ["10.90.0.12"], "a wish"],
    ["none", [], "a wish"],
  ])("a node without an InternalIP, backend %s, behind a router %j: %s", (backend, far, outcome) => {
    const all = read(node(1, { internalIPs: [] }), node(2));
    const { wish, none } = decide(all, settings("--backend", backend), ways(...far));
    expect(wish === undefined ? "none" : "a wish").toBe(outcome);
    expect(none?.code).toBe(outcome === "none" ? "no-address" : undefined);
  });

  test("a name that is none of the cluster's: no wish", () => {
    expect(codesOf(decide(read(node(2)), settings(), ways()))).toEqual(["no-node node1"]);
  });

  test("whatever the API server has of nodes, the executable accepts the wish and the probe", () => {
    const cidr = fc.oneof(
      fc
        .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 20, max: 26 }))
        .map(([n, l]) => `10.244.${n}.0/${l}`),
      fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(48, 64)).map(([n, l]) => `fd01:${n}::/${l}`),
      fc.constantFrom("10.90.0.0/30", "fd90::/126", "0.0.0.0/0", "224.0.0.0/8", "x"),
    );
    const address = fc.oneof(
      fc.integer({ min: 1, max: 5 }).map((n) => `10.90.0.${n}`),
      fc.integer({ min: 1, max: 5 }).map((n) => `fd90::${n}`),
      fc.constantFrom("10.244.1.9", "fd01:1::9", "127.0.0.1", "::ffff:10.90.0.1", ""),
    );
    const any = fc.record({
      created: fc.integer({ min: 0, max: 2 }),
      podCIDRs: fc.array(cidr, { maxLength: 3 }),
      internalIPs: fc.array(address, { maxLength: 3 }),
    });
    const backend = fc.constantFrom("auto", "routes", "vxlan", "none");
    const indirect = fc.array(address, { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 6 }), backend, indirect, (all, name, far) => {
        const cluster = read(...all.map((each, at) => node(at + 1, each)));
        const { wish } = decide(cluster, settings("--backend", name), ways(...far));
        const documents = [
          () => cluster.own && readWish(JSON.stringify(probeOf(cluster.own, cluster))),
          () => wish && accepted(wish),
        ];
        for (const document of documents) expect(document).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});
