// `pontoon doctor` on a node of a cluster: what `pontoon node` has made is ours, a break of it is named and
// nothing else, and the wish applied again mends it.
import { expect } from "vitest";
import { mustApply, type WishJson } from "../support/cluster.ts";
import { add, del } from "../support/cni.ts";
import { doctor, expectContent, faultsOf, healthyNode, runCures, runDoctor } from "../support/doctor.ts";
import { install } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, type World } from "../support/world.ts";

const HERE = ["--conf-dir", CONFIG_FOLDER];
const CONFLIST = `${CONFIG_FOLDER}/50-cluster.conflist`;

/** A node with two pods, the routes and the tunnel of a cluster, and a doctor that is content. */
async function clusterNode(world: World): Promise<WishJson> {
  await healthyNode(world, { ipMasq: false, mtu: 1450 });
  const plugin = { type: "pontoon", bridge: "other0", ipam: { type: "host-local", subnet: "10.7.0.0/24" } };
  const wish = {
    version: 1,
    podSubnets: ["10.1.0.0/24", "fd01::/64"],
    routes: [
      { subnet: "10.2.0.0/24", via: "192.168.50.2" },
      { subnet: "fd02::/64", via: "fd50::2" },
    ],
    tunnel: {
      kind: "vxlan",
      vni: 9,
      port: 8472,
      local: "192.168.50.1",
      peers: [{ subnets: ["10.3.0.0/24", "fd03::/64"], address: "192.168.60.3" }],
    },
    masquerade: { except: ["192.168.50.0/24"] },
    conflist: {
      path: CONFLIST,
      content: JSON.stringify({ cniVersion: "1.0.0", name: "cluster", plugins: [plugin] }),
    },
  };
  await mustApply(world.host, wish, ...HERE);
  await expectContent(world);
  return wish;
}

for (const [name, harm, says] of [
  ["the tunnel is down", "ip link set pontoon-vxlan down", [/^the tunnel is down, /]],
  [
    "the tunnel has another MAC",
    "ip link set pontoon-vxlan address 0e:58:00:00:00:99",
    [/^the tunnel has the MAC 0e:58:00:00:00:99, and other nodes know it by 0e:/],
  ],
  ["the tunnel learns", "ip link set pontoon-vxlan type vxlan learning", [/^the tunnel learns /]],
  [
    "an entry of a gateway is gone",
    "ip neighbour delete 10.3.0.0 dev pontoon-vxlan",
    [/^the tunnel does not know the node with the pods of 10\.3\.0\.0\/24$/],
  ],
  [
    "the node behind a MAC is gone",
    "bridge fdb delete $(bridge fdb show dev pontoon-vxlan | cut -d' ' -f1) dev pontoon-vxlan",
    [/^the tunnel does not know the node with the pods of 10\.3\.0\.0\/24 and 1 more$/],
  ],
  [
    "a route by the tunnel is gone",
    "ip route delete 10.3.0.0/24",
    [/^no route leads to the pods behind 10\.3\.0\.0 in the tunnel$/],
  ],
  [
    "the tunnel has no address",
    "ip -4 address flush dev pontoon-vxlan",
    [/^the node has no IPv4 address in the tunnel/],
  ],
  [
    "the table has one rule more",
    "nft insert rule inet pontoon-node postrouting accept",
    [/^it is not whole, so what pods send /],
  ],
  [
    "the table has no rule any more",
    "nft flush chain inet pontoon-node postrouting",
    [/^it is not whole, so what pods send /],
  ],
  [
    "the table has no rule of a family any more",
    "nft delete rule inet pontoon-node postrouting handle $(nft -a list table inet pontoon-node | sed -n 's/.*ip6 saddr.*handle //p')",
    [/^it is not whole, so what pods send /],
  ],
  [
    "an exception is gone",
    "nft flush set inet pontoon-node except6",
    [/^packets to pods of fd01::\/64 and 2 more are masqueraded$/],
  ],
  ["forwarding is off", "sysctl -qw net.ipv4.ip_forward=0", [/^forwarding of IPv4 is switched off/]],
  ["the configuration is gone", `rm ${CONFLIST}`, [/^it is gone since an apply wrote it$/]],
  [
    "the configuration was changed",
    `sed -i s/other0/other1/ ${CONFLIST}`,
    [/^it was changed by others since an apply wrote it/],
  ],
] as const)
  scene(
    `when ${name} the doctor names that and nothing else, and the wish applied again mends it`,
    async (world) => {
      const wish = await clusterNode(world);
      await world.host.must(["sh", "-c", harm]);
      const report = await doctor(world);
      const faults = faultsOf(report);
      expect(faults.map(({ sentence }) => sentence)).toEqual(says.map((each) => expect.stringMatching(each)));
      expect(report).toMatchObject({ status: 1, blind: [] });
      // A file of others is left alone: the advice says to look at it first.
      if (name === "the configuration was changed") await world.host.must(`rm ${CONFLIST}`);
      await runCures(world, faults);
      await mustApply(world.host, wish, ...HERE);
      await expectContent(world);
    },
  );

scene(
  "pods of before the tunnel that send more than it takes are named, until they are made anew",
  async (world) => {
    const { pods, all } = await healthyNode(world, { ipMasq: false });
    const [red] = all;
    const tunnel = {
      kind: "vxlan",
      vni: 9,
      port: 8472,
      local: "192.168.50.1",
      peers: [{ subnets: ["10.3.0.0/24"], address: "192.168.60.3" }],
    };
    await mustApply(world.host, {
      version: 1,
      podSubnets: ["10.1.0.0/24", "fd01::/64"],
      routes: [],
      masquerade: { except: [] },
      tunnel,
    });
    const [fault, ...others] = faultsOf(await doctor(world));
    expect(others).toEqual([]);
    expect(fault).toMatchObject({
      code: "mtuAboveTunnel",
      subject: "network pods",
      severity: "warning",
      sentence: "pods send packets of 1500 bytes, and the tunnel to other nodes takes 1450",
      advice: 'Set "mtu": 1450 in the configuration of network pods, and make these pods anew',
    });
    expect(fault?.pods).toHaveLength(2);
    // What the proof says is so: the node itself answers.
    const ping = await red!.exec("ping -c 1 -W 1 -M do -s 1472 10.3.0.9");
    expect(ping.stdout).toMatch(/From 10\.1\.0\.1 .*mtu = 1450/);
    const smaller = install(world, { ...pods, plugins: [{ ...pods.plugins[0], mtu: 1450 }] });
    expect(faultsOf(await doctor(world))[0]?.advice).toBe(
      'Delete these pods so that they are made anew: the configuration of network pods has "mtu": 1450 now',
    );
    for (const pod of all) {
      await del(world, pods, pod);
      await add(world, smaller, pod);
    }
    await expectContent(world);
  },
);

scene("a flush of all rules leaves a note about the table, where there are routes", async (world) => {
  const wish = await clusterNode(world);
  await world.host.must("nft delete table inet pontoon-node");
  const { findings, status } = await doctor(world);
  expect({ findings, status }).toMatchObject({
    findings: [{ subject: "table inet pontoon-node", severity: "note" }],
    status: 0,
  });
  await mustApply(world.host, wish, ...HERE);
  expect((await doctor(world)).findings).toEqual([]);
});

scene("a trace follows a packet to the pods of other nodes, and names the node", async (world) => {
  const wish = await clusterNode(world);
  await world.host.must("ip route replace default via 192.168.50.2");
  const hops = async (to: string): Promise<string[]> => {
    const { stdout } = await runDoctor(world, "--json", "--trace", "red", to);
    return (JSON.parse(stdout) as { hops: { sentence: string }[] }).hops.map(({ sentence }) => sentence);
  };
  expect(await hops("10.2.0.7")).toEqual(
    expect.arrayContaining([
      "the node sends packets for 10.2.0.7 by uplink",
      "the next hop is the node 192.168.50.2, with the pods of 10.2.0.0/24",
      "it leaves with the pod's own address",
    ]),
  );
  for (const [to, subnet] of [
    ["10.3.0.7", "10.3.0.0/24"],
    ["fd03::7", "fd03::/64"],
  ] as const)
    expect(await hops(to)).toEqual(
      expect.arrayContaining([
        `the node sends packets for ${to} by pontoon-vxlan`,
        `the tunnel leads to the node 192.168.60.3, with the pods of ${subnet}`,
        "the tunnel's packets for 192.168.60.3 leave by uplink, by the router 192.168.50.2",
        "it leaves with the pod's own address",
      ]),
    );
  expect(await hops("outside")).toContain("it leaves with an address of the node");
  for (const [harm, to, last] of [
    ["ip route delete 10.3.0.0/24", "10.3.0.7", /^no route leads to the pods behind 10\.3\.0\.0/],
    ["ip neighbour delete 10.3.0.0 dev pontoon-vxlan", "10.3.0.7", /^the tunnel does not know the node/],
    ["ip route delete default", "fd03::7", /^the node has no route to 192\.168\.60\.3, the node with/],
  ] as const) {
    await world.host.must(harm);
    expect((await hops(to)).at(-1)).toMatch(last);
    await mustApply(world.host, wish, ...HERE);
  }
});

scene("status, draw and report show the node's part as Pontoon's", async (world) => {
  await clusterNode(world);
  const pontoon = (command: string): Promise<string> =>
    world.host.must(`${PLUGIN_FOLDER}/pontoon ${command}`);
  const status = await world.host.exec(
    `${PLUGIN_FOLDER}/pontoon status --conf-dir ${CONFIG_FOLDER} --bin-dir ${PLUGIN_FOLDER}`,
  );
  expect(status.stdout).toContain(
    "cluster          4 routes to other nodes' pods; tunnel pontoon-vxlan to 1 node; masquerading from 10.1.0.0/24, fd01::/64\n",
  );
  expect(await pontoon("draw")).toMatch(/pontoon-vxlan .* tunnel to other nodes/);
  expect(await pontoon("ls")).not.toMatch(/pontoon-vxlan|foreign.*vxlan/);
  await pontoon(`report --conf-dir ${CONFIG_FOLDER} /run/report.tar`);
  const shown = JSON.parse(await pontoon(`node show --json --conf-dir ${CONFIG_FOLDER}`)) as unknown;
  expect(JSON.parse(await world.host.must("tar -xOf /run/report.tar node.json"))).toEqual(shown);
});

scene(
  "a cluster of 10,000 nodes is looked at in a moment, and a node that the tunnel has lost is found",
  async (world) => {
    const wish = await clusterNode(world);
    const peers = Array.from({ length: 10_000 }, (_, at) => ({
      subnets: [`10.${64 + (at >> 7)}.${(2 * at) & 255}.0/24`, `fd64:${(2 * at).toString(16)}::/64`],
      address: `192.168.${64 + (at >> 8)}.${at & 255}`,
    }));
    await mustApply(world.host, { ...wish, tunnel: { ...wish.tunnel!, peers } }, ...HERE);
    await expectContent(world);
    await world.host.must("ip neighbour delete 10.64.2.0 dev pontoon-vxlan");
    expect(faultsOf(await doctor(world)).map(({ sentence }) => sentence)).toEqual([
      "the tunnel does not know the node with the pods of 10.64.2.0/24",
    ]);
  },
  120_000,
);
