// `pontoon migrate`: what it prints does for a pod what the chain did that it was made from.
import { expect } from "vitest";
import { bucketOf, ifbsOf } from "../support/bandwidth.ts";
import { add, addressOf, check, del } from "../support/cni.ts";
import { addPlugins } from "../support/ipam.ts";
import { hostLinkOf, linkOf } from "../support/link.ts";
import { addNeighbour, type Neighbour } from "../support/neighbour.ts";
import { install, type Network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { connect, pings, serve } from "../support/traffic.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, type World } from "../support/world.ts";

const REFERENCE = ["bridge", "host-local", "portmap", "firewall", "bandwidth", "tuning"];
const RATE = 20_000_000;
const MAC = "02:00:00:00:00:77";
const CHAIN: Network = {
  cniVersion: "1.0.0",
  name: "pods",
  plugins: [
    {
      type: "bridge",
      bridge: "pods0",
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipMasqBackend: "nftables",
      ipam: {
        type: "host-local",
        ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd01::/64" }]],
        routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
      },
    },
    { type: "portmap", backend: "nftables", capabilities: { portMappings: true } },
    { type: "firewall", ingressPolicy: "same-bridge" },
    {
      type: "bandwidth",
      ingressRate: RATE,
      ingressBurst: RATE / 10,
      egressRate: RATE,
      egressBurst: RATE / 10,
    },
    {
      type: "tuning",
      mtu: 1400,
      txQLen: 77,
      promisc: true,
      allmulti: true,
      mac: MAC,
      sysctl: { "net.core.somaxconn": "500", "net.ipv4.conf.IFNAME.arp_filter": "1" },
    },
  ],
};
const HOST_PORTS = {
  CAP_ARGS: JSON.stringify({ portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] }),
};

scene("the printed list gives a pod what the chain of the reference gave", async (world) => {
  addPlugins(world, ...REFERENCE);
  const neighbour = await addNeighbour(world);
  install(world, CHAIN);
  const { status, stdout, stderr } = await world.host.exec(
    `${PLUGIN_FOLDER}/pontoon migrate ${CONFIG_FOLDER}/pods.conflist`,
  );
  expect(status).toBe(0);
  expect(stderr).toMatch(/^plugins\[2\]\.type "firewall": the rules are the network's and not a pod's.*\n/);
  expect(stderr.split("\n").slice(1).join("\n")).toBe(
    "plugins[4].mtu 1400: a bridge that Pontoon makes, and the node's end of a pair, get this MTU too; tuning sets the pod's end alone.\n",
  );
  const migrated = JSON.parse(stdout) as Network;
  expect(migrated.plugins.map(({ type }) => type)).toEqual(["pontoon"]);

  const before = await factsOf(world, CHAIN, "red", neighbour);
  for (const command of ["rm -r /var/lib/cni/networks", "ip link delete pods0", "nft flush ruleset"])
    await world.host.must(command);
  await world.host.must(["rm", ...REFERENCE.map((plugin) => `${PLUGIN_FOLDER}/${plugin}`)]);
  expect(await factsOf(world, migrated, "red", neighbour)).toEqual(before);
  expect(before).toMatchObject({
    eth0: { mtu: 1400, txqlen: 77, address: MAC },
    somaxconn: "500\n",
    addresses: ["10.1.0.2/24", "fd01::2/64"],
    rates: [RATE, RATE],
    hostPort: expect.stringMatching(/^red saw /),
    check: undefined,
    getsOut: true,
  });
});

/** A list as kind has it. */
const PAIRS: Network = {
  cniVersion: "0.4.0",
  name: "pods",
  plugins: [
    {
      type: "ptp",
      ipMasq: true,
      ipMasqBackend: "nftables",
      mtu: 1400,
      ipam: {
        type: "host-local",
        ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd01::/64" }]],
        routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
      },
    },
    { type: "portmap", backend: "nftables", capabilities: { portMappings: true } },
    { type: "firewall" },
  ],
};

scene("the printed list gives a pod on a pair of its own what ptp gave", async (world) => {
  const reference = ["ptp", "host-local", "portmap", "firewall"];
  addPlugins(world, ...reference);
  const neighbour = await addNeighbour(world);
  install(world, PAIRS);
  const printed = await world.host.exec(`${PLUGIN_FOLDER}/pontoon migrate ${CONFIG_FOLDER}/pods.conflist`);
  expect(printed.stderr).toMatch(/^plugins\[2\]\.type "firewall": .*\n$/);
  const migrated = JSON.parse(printed.stdout) as Network;
  expect(migrated.plugins).toMatchObject([{ type: "pontoon", attach: "ptp" }]);

  // The reference gets its MAC from the kernel, ours from the address.
  const { eth0: theirs, routes: theirRoutes, ...before } = await factsOf(world, PAIRS, "red", neighbour);
  for (const command of ["rm -r /var/lib/cni/networks", "nft flush ruleset"]) await world.host.must(command);
  await world.host.must(["rm", ...reference.map((plugin) => `${PLUGIN_FOLDER}/${plugin}`)]);
  const { eth0, routes, ...after } = await factsOf(world, migrated, "red", neighbour);
  expect(after).toEqual(before);
  expect(routes).toBe(theirRoutes);
  expect(eth0).toMatchObject({ mtu: theirs.mtu, flags: theirs.flags });
  expect(after).toMatchObject({
    addresses: ["10.1.0.2/24", "fd01::2/64"],
    hostPort: expect.stringMatching(/^red saw /),
    getsOut: true,
  });
});

scene("stdin works too, and what is no network configuration leaves stdout empty", async (world) => {
  const run = (stdin: string) => world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "migrate", "-"], { stdin });
  expect(await run('{"cniVersion":"1.0.0","name":"pods","type":"bridge","mtu":1500}')).toMatchObject({
    status: 0,
    stdout: '{\n  "cniVersion": "1.0.0",\n  "name": "pods",\n  "type": "pontoon",\n  "mtu": 1500\n}\n',
    stderr: "",
  });
  expect(await run('{"name":')).toMatchObject({
    status: 1,
    stdout: "",
    stderr:
      'pontoon migrate: error unmarshall network config: unexpected end of JSON input. Hint: Write the missing "}": the "{" in line 1, column 1 is not closed.\n',
  });
  world.write("/run/old.conflist", "{");
  expect(await world.host.exec(`${PLUGIN_FOLDER}/pontoon migrate /run/old.conflist`)).toMatchObject({
    status: 1,
    stdout: "",
    stderr: expect.stringMatching(/^pontoon migrate: \/run\/old\.conflist: error unmarshall/) as string,
  });
  expect(await world.host.exec(`${PLUGIN_FOLDER}/pontoon migrate /nowhere`)).toMatchObject({
    status: 1,
    stdout: "",
    stderr: "pontoon migrate: /nowhere cannot be read: there is no such file.\n",
  });
});

/** What a pod of this network has, and how it is reached; it is gone again afterwards. */
async function factsOf(world: World, conflist: Network, name: string, neighbour: Neighbour) {
  await world.host.must("iptables -P FORWARD DROP");
  install(world, conflist);
  const pod = await world.pod(name);
  const result = await add(world, conflist, pod, HOST_PORTS);
  const { mtu, txqlen, address, flags } = await linkOf(pod, "eth0");
  await using _server = await serve(pod, "tcp", addressOf(result), 80);
  const host = await hostLinkOf(world, pod);
  const facts = {
    eth0: { mtu, txqlen, address, flags },
    hostPort: await connect(world.host, "10.1.0.1", 8080),
    rates: [
      (await bucketOf(world.host, host))?.rate,
      ...(await Promise.all(
        (await ifbsOf(world.host)).map(async (ifb) => (await bucketOf(world.host, ifb))?.rate),
      )),
    ],
    somaxconn: await pod.must("cat /proc/sys/net/core/somaxconn"),
    arpFilter: await pod.must("cat /proc/sys/net/ipv4/conf/eth0/arp_filter"),
    addresses: result.ips?.map((each) => each.address),
    getsOut: await pings(pod, neighbour.v4),
    routes: await pod.must("ip route"),
    hairpin: (await linkOf(world.host, host)).linkinfo?.info_slave_data?.hairpin,
    check: await check(world, conflist, pod),
  };
  await del(world, conflist, pod, HOST_PORTS);
  await world.removePod(pod);
  return facts;
}
