// `pontoon doctor` on a node that is broken in one place: it names that and nothing else, and what it prints
// mends it.
import { expect } from "vitest";
import { add, del } from "../support/cni.ts";
import { deviceNetwork, plugIn } from "../support/device.ts";
import {
  doctor,
  doctorText,
  expectContent,
  faultsOf,
  healthyNode,
  runCures,
  type Stage,
} from "../support/doctor.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, type NetworkWishes, network } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";

interface Scene {
  name: string;
  /** Keys of the network, where the scene needs some. */
  wishes?: NetworkWishes;
  harm(stage: Stage): Promise<unknown>;
  /** What the doctor says, one pattern for each fault in order. */
  says: RegExp[];
  /** True: `--repair` mends it too, not only the printed commands. */
  isRepairable?: boolean;
}

/** Runs a command on the host in which HOST stands for the host's end of the first pod. */
const onHost =
  (command: string) =>
  async ({ world, all: [red] }: Stage) =>
    world.host.must(["sh", "-c", command.replaceAll("HOST", await hostLinkOf(world, red!))]);
/** Runs a command in the first pod. */
const inPod =
  (command: string) =>
  ({ all: [red] }: Stage) =>
    red!.must(["sh", "-c", command]);

const SCENES: Scene[] = [
  {
    name: "a port is isolated",
    harm: onHost("bridge link set dev HOST isolated on"),
    says: [/^port isolation of veth\w+ is on$/],
    isRepairable: true,
  },
  {
    name: "both ports are isolated",
    harm: async ({ world, all }) => {
      for (const pod of all)
        await world.host.must(`bridge link set dev ${await hostLinkOf(world, pod)} isolated on`);
    },
    says: [/^port isolation of veth\w+ is on$/, /^port isolation of veth\w+ is on$/],
    isRepairable: true,
  },
  {
    name: "a port lost hairpin mode and does not flood",
    wishes: { hairpinMode: true },
    harm: onHost("bridge link set dev HOST hairpin off bcast_flood off"),
    says: [/^hairpin mode of veth\w+ is off$/],
    isRepairable: true,
  },
  {
    name: "the host's end is down",
    harm: onHost("ip link set HOST down"),
    says: [/^the host's end veth\w+ of the veth pair is down$/],
    isRepairable: true,
  },
  {
    name: "the host's end is off the bridge",
    harm: onHost("ip link set HOST nomaster"),
    says: [/^veth\w+ is not a port of bridge pods0$/],
    isRepairable: true,
  },
  {
    name: "the host's end of a pod with isolation and a MAC check is off the bridge",
    wishes: { portIsolation: true, macspoofchk: true },
    harm: onHost("ip link set HOST nomaster"),
    says: [/^veth\w+ is not a port of bridge pods0$/],
    isRepairable: true,
  },
  {
    name: "a pod has lost an address",
    harm: inPod("ip -4 address flush dev eth0"),
    says: [/^interface eth0 in the pod has no address 10\.1\.0\.2\/24$/],
  },
  {
    name: "IPv6 is switched off in a pod",
    harm: inPod("echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6"),
    says: [/^interface eth0 in the pod has no address fd01::2\/64$/],
  },
  {
    name: "a pod has lost its default route",
    harm: inPod("ip route del default"),
    says: [/^the pod has no route to 0\.0\.0\.0\/0 by eth0$/],
  },
  {
    name: "a pod has another pod's MAC",
    harm: async ({ all: [red, blue] }) => {
      const [{ address }] = (await blue!.json<[{ address: string }]>("ip -j link show dev eth0")) ?? [];
      await red!.must(`ip link set eth0 address ${address}`);
    },
    says: [/^interface eth0 in the pod has the MAC \S+ instead of \S+$/],
  },
  {
    name: "a static neighbour in a pod is wrong",
    harm: inPod("ip neighbour replace 10.1.0.1 lladdr 02:00:00:00:00:99 dev eth0 nud permanent"),
    says: [/^a static neighbour in the pod says that 10\.1\.0\.1 is at 02:00:00:00:00:99/],
  },
  {
    name: "a static neighbour on the node is wrong",
    harm: onHost("ip neighbour replace 10.1.0.2 lladdr 02:00:00:00:00:99 dev pods0 nud permanent"),
    says: [/^a static neighbour on the node says that 10\.1\.0\.2 of \S+ is at 02:00:00:00:00:99$/],
  },
  {
    name: "the ruleset is flushed",
    wishes: { macspoofchk: true },
    harm: onHost("nft flush ruleset"),
    says: [
      /^the nftables table bridge pontoon, which checks source MAC addresses, is missing or not whole$/,
      /^the nftables table inet pontoon, which masquerades, is missing or not whole$/,
    ],
    isRepairable: true,
  },
  {
    name: "forwarding is off",
    harm: onHost("sysctl -qw net.ipv4.ip_forward=0"),
    says: [/^forwarding of IPv4 is switched off/],
    isRepairable: true,
  },
  {
    name: "the bridge has lost its gateway address",
    harm: onHost("ip address del 10.1.0.1/24 dev pods0"),
    says: [/^pods0 has no gateway address 10\.1\.0\.1\/24$/],
    isRepairable: true,
  },
  {
    name: "IPv6 is switched off on the node",
    harm: onHost(
      "sysctl -qw net.ipv6.conf.all.disable_ipv6=1; sysctl -qw net.ipv6.conf.uplink.disable_ipv6=0",
    ),
    says: [/^pods0 has no gateway address fd01::1\/64$/],
    isRepairable: true,
  },
  {
    name: "the bridge is down",
    wishes: { subnets: ["10.1.0.0/24"] },
    harm: onHost("ip link set pods0 down"),
    says: [/^bridge pods0 is down$/],
    isRepairable: true,
  },
  {
    name: "the way out takes smaller packets",
    harm: onHost("ip link set uplink mtu 1400"),
    says: [/^pods send packets of 1500 bytes, and the way out by uplink takes 1400$/],
  },
  {
    name: "an old bridge has the same subnet and gateway",
    harm: onHost("ip link add cnir0 up type bridge; ip address add 10.1.0.1/24 dev cnir0"),
    says: [
      /^cnir0 has 10\.1\.0\.1\/24 as well, and the node sends packets for one subnet by one interface alone$/,
    ],
  },
  {
    name: "a route shadows a part of the subnet",
    harm: onHost("ip route add 10.1.0.2/31 dev uplink"),
    says: [/^the node sends packets for 10\.1\.0\.2 and 10\.1\.0\.3 by uplink, and the pods are on pods0$/],
  },
  {
    name: "the route to the subnet is gone",
    harm: onHost("ip route del 10.1.0.0/24 dev pods0"),
    says: [/^the node sends packets for 10\.1\.0\.2 and 10\.1\.0\.3 by uplink, and the pods are on pods0$/],
  },
  {
    name: "the state is read-only",
    harm: onHost("mount -o remount,ro /var/lib/cni"),
    says: [/^\/var\/lib\/cni is mounted read-only, so no pod can start or be deleted$/],
  },
  {
    name: "a lease is there without a record",
    harm: onHost("printf 'gone\\r\\neth0' > /var/lib/cni/networks/pods/10.1.0.77"),
    says: [/^the lease of 10\.1\.0\.77 belongs to no attachment, so no pod gets the address$/],
  },
  {
    name: "the lease of a living pod is gone",
    harm: onHost("rm /var/lib/cni/networks/pods/10.1.0.2"),
    says: [/^its lease of 10\.1\.0\.2 in \S+ is missing or another container's/],
  },
  {
    name: "the plugin cannot be run",
    harm: onHost(
      "rm /run/world/bin/pontoon; cp /proc/self/exe /run/world/bin/pontoon; chmod 644 /run/world/bin/pontoon",
    ),
    says: [/^this plugin cannot be run$/],
  },
];

for (const { name, wishes, harm, says, isRepairable } of SCENES.filter(
  ({ name: each }) => !each.includes("cannot be run"),
))
  scene(
    `the doctor names it and nothing else when ${name}, and the printed command mends it`,
    async (world) => {
      const stage = await healthyNode(world, wishes);
      await harm(stage);
      const report = await doctor(world);
      const faults = faultsOf(report);
      expect(faults.map(({ sentence }) => sentence)).toEqual(says.map((each) => expect.stringMatching(each)));
      expect({ status: report.status, blind: report.blind }).toEqual({ status: 1, blind: [] });
      expect(faults.map(({ repairable }) => repairable)).toEqual(says.map(() => isRepairable === true));
      await runCures(world, faults);
      await expectContent(world);
      if (isRepairable !== true) return;
      await harm(stage);
      expect((await doctor(world)).status).toBe(1);
      const mended = await doctor(world, "--repair");
      expect({ faults: faultsOf(mended), status: mended.status }).toEqual({ faults: [], status: 0 });
      expect(mended.repaired).not.toEqual([]);
      expect((await doctor(world, "--repair")).repaired).toEqual([]);
    },
    60_000,
  );

const WAYS: { way: string; wishes?: NetworkWishes; networkOf: typeof network }[] = [
  { way: "a bridge", networkOf: network },
  { way: "a bridge in dual stack", wishes: { subnets: ["10.1.0.0/24", "fd01::/64"] }, networkOf: network },
  { way: "pairs of their own", wishes: { subnets: ["10.1.0.0/24", "fd01::/64"] }, networkOf: ptpNetwork },
];

for (const { way, wishes, networkOf } of WAYS)
  scene(`the doctor is content with three pods on ${way}`, async (world) => {
    const pods = install(world, networkOf("pods", wishes));
    for (const name of ["red", "blue", "green"]) await add(world, pods, await world.pod(name));
    await expectContent(world);
    expect(await doctorText(world)).toBe("3 attachments of 1 network: nothing is wrong.\n");
  });

scene("the doctor is content with a wire and with a device", async (world) => {
  const ipam = { type: "host-local", ranges: [[{ subnet: "10.9.0.0/24" }]] };
  const wire = install(world, {
    cniVersion: "1.1.0",
    name: "wire",
    plugins: [{ type: "pontoon", attach: "wire", ipam }],
  });
  await plugIn(world);
  const card = install(world, deviceNetwork("card", { device: "eth7" }));
  for (const name of ["red", "blue"]) await add(world, wire, await world.pod(name));
  await add(world, card, await world.pod("green"));
  expect(await doctorText(world)).toBe("3 attachments of 2 networks: nothing is wrong.\n");
});

scene("the doctor is content with a node that has no pods, and one that a pod has left", async (world) => {
  expect(await doctorText(world)).toBe("0 attachments of 0 networks: nothing is wrong.\n");
  const pods = install(world, network("pods"));
  expect(await doctorText(world)).toBe("0 attachments of 0 networks: nothing is wrong.\n");
  const red = await world.pod("red");
  await add(world, pods, red);
  await del(world, pods, red);
  expect(await doctorText(world)).toBe("0 attachments of 0 networks: nothing is wrong.\n");
});
