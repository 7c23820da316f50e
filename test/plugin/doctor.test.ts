// `pontoon doctor` on a node that is broken in one place: it names that and nothing else, and what it prints
// mends it.
import { expect } from "vitest";
import type { FindingCode } from "../../src/doctor/code.ts";
import { add, del } from "../support/cni.ts";
import { deviceNetwork, plugIn } from "../support/device.ts";
import {
  type DoctorReport,
  doctor,
  doctorText,
  expectContent,
  faultsOf,
  healthyNode,
  runCures,
  type Stage,
} from "../support/doctor.ts";
import { portArgs, portNetwork } from "../support/host-port.ts";
import { dies, hostLinkOf } from "../support/link.ts";
import { install, type NetworkWishes, network } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { serve } from "../support/traffic.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER } from "../support/world.ts";

interface Scene {
  name: string;
  /** Keys of the network, where the scene needs some. */
  wishes?: NetworkWishes;
  harm(stage: Stage): Promise<unknown>;
  /** What the doctor says, one pattern for each fault in order. */
  says: RegExp[];
  /** The codes of the faults, where these are differences of an attachment. */
  codes?: FindingCode[];
  /** What a person does where no command is printed. */
  mend?(stage: Stage): Promise<unknown>;
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
    codes: ["vethDiffers"],
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
    name: "the pod's end is down",
    harm: inPod("ip link set eth0 down"),
    says: [/^interface eth0 in the pod is down$/],
    codes: ["podDiffers"],
  },
  {
    name: "a port is locked",
    harm: onHost("bridge link set dev HOST locked on"),
    says: [/^locking of veth\w+ is on$/],
    isRepairable: true,
  },
  {
    name: "a port was switched off in its bridge",
    harm: onHost("bridge link set dev HOST state 0"),
    says: [/^veth\w+ does not forward on bridge pods0$/],
    codes: ["announceDiffers"],
  },
  {
    name: "the MTU of a pod's end is too small for IPv6",
    harm: inPod("ip link set eth0 mtu 600"),
    says: [/^interface eth0 in the pod has no address fd01::2\/64$/],
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
    name: "a pod has taken the address of its gateway",
    harm: inPod("ip address add 10.1.0.1/24 dev eth0"),
    says: [/^eth0 in the pod has 10\.1\.0\.1 too, the address of its gateway$/],
    codes: ["sameAddress"],
  },
  {
    name: "a pod has taken the address of another",
    harm: inPod("ip address add fd01::3/64 dev eth0 nodad"),
    says: [/^eth0 in the pod has fd01::3 too, the address of \S+$/],
    codes: ["sameAddress"],
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
    codes: ["forwardingDiffers"],
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
    codes: ["bridgeDiffers"],
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
    name: "the folder of leases has gone",
    wishes: { subnets: ["10.1.0.0/24"] },
    harm: onHost("rm -r /var/lib/cni/networks"),
    says: [/^its lease of 10\.1\.0\.2 in/, /^its lease of 10\.1\.0\.3 in/],
    codes: ["lostLease", "lostLease"],
  },
  {
    name: "the folder of configurations is empty",
    harm: onHost(`mkdir /run/kept; mv ${CONFIG_FOLDER}/* /run/kept`),
    says: [/^no network configuration is in this folder, so no further pod can start$/],
    mend: onHost(`mv /run/kept/* ${CONFIG_FOLDER}`),
  },
  {
    name: "the disk of the state is full",
    harm: onHost(
      "mount -o remount,size=1m /var/lib/cni; dd if=/dev/zero of=/var/lib/cni/fill bs=64k count=32 2>&1 || true",
    ),
    says: [
      /^nothing can be written in \/var\/lib\/cni\/pontoon, so no pod can start$/,
      /^nothing can be written in \/var\/lib\/cni\/networks\/pods, so no pod can start$/,
    ],
    mend: onHost("rm /var/lib/cni/fill"),
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
];

for (const { name, wishes, harm, says, codes, mend, isRepairable } of SCENES)
  scene(
    `the doctor names it and nothing else when ${name}, and the printed command mends it`,
    async (world) => {
      const stage = await healthyNode(world, wishes);
      await harm(stage);
      const report = await doctor(world);
      const faults = faultsOf(report);
      expect(faults.map(({ sentence }) => sentence)).toEqual(says.map((each) => expect.stringMatching(each)));
      expect(faults.map(({ code }) => code)).toEqual(codes ?? says.map(() => expect.any(String)));
      expect({ status: report.status, blind: report.blind }).toEqual({ status: 1, blind: [] });
      expect(faults.map(({ repairable }) => repairable)).toEqual(says.map(() => isRepairable === true));
      await runCures(world, faults);
      await mend?.(stage);
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

scene(
  "a host port behind which nobody listens is a note, and a fault when it is asked for",
  async (world) => {
    const pods = portNetwork(world, "pods");
    const red = await world.pod("red");
    await add(world, pods, red, portArgs([{ hostPort: 8080, containerPort: 80, protocol: "tcp" }]));
    await using wrong = await serve(red, "tcp", "0.0.0.0", 8081);
    const says = {
      sentence: "host port 8080/tcp leads to 10.1.0.2:80, where nobody listens",
      proof: expect.stringContaining("0.0.0.0:8081"),
    };
    const { findings, status } = await doctor(world);
    expect({ findings, status }).toMatchObject({ findings: [{ severity: "note", ...says }], status: 0 });
    for (const word of ["8080", ":8080", "8080/tcp", "red", "10.1.0.2"]) {
      const asked = await doctor(world, word);
      expect({ word, findings: asked.findings, status: asked.status }).toMatchObject({
        word,
        findings: [{ severity: "warning", ...says }],
        status: 1,
      });
    }
    await wrong[Symbol.asyncDispose]();
    await using right = await serve(red, "tcp", "10.1.0.2", 80);
    expect((await doctor(world, "8080")).findings).toEqual([]);
    await right[Symbol.asyncDispose]();
  },
);

scene(
  "after a flush --repair mends all of it: rules come back, and localhost is closed, also where no pod has a port",
  async (world) => {
    const pods = portNetwork(world, "pods");
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await add(world, pods, red, portArgs([{ hostPort: 8080, containerPort: 80, protocol: "tcp" }]));
    await add(world, pods, blue);
    await world.host.must("nft flush ruleset");
    const faults = faultsOf(await doctor(world));
    expect(faults.map(({ code, repairable, cure }) => ({ code, repairable, cure }))).toEqual(
      ["bridgeDiffers", "masqueradeDiffers", "hostPortsDiffers"].map((code) => ({
        code,
        repairable: true,
        cure: "pontoon restore",
      })),
    );
    expect(await doctorText(world)).toMatch(/\n"pontoon doctor --repair" mends all of it\.\n$/);
    expect((await doctor(world, "--repair")).status).toBe(0);
    const setting = "/proc/sys/net/ipv4/conf/pods0/route_localnet";
    expect(await world.host.must(`cat ${setting}`)).toBe("2\n");

    await del(world, pods, red);
    await world.host.must(["sh", "-c", `nft delete table inet pontoon-ports; echo 2 > ${setting}`]);
    const mended = await doctor(world, "--repair");
    expect(mended).toMatchObject({
      status: 0,
      repaired: ["the node's 127.0.0.1 is closed to pods on pods0 again"],
    });
    expect(await world.host.must(`cat ${setting}`)).toBe("0\n");
  },
);

scene("a full pool is a warning, until a pod goes", async (world) => {
  const ipam = {
    type: "host-local",
    ranges: [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.10", rangeEnd: "10.1.0.11" }]],
  };
  const pods = install(world, network("pods", { ipam }));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  for (const pod of [red, blue]) await add(world, pods, pod);
  const faults = faultsOf(await doctor(world));
  expect(faults).toMatchObject([
    {
      severity: "warning",
      sentence: "no address is left in 10.1.0.10-10.1.0.11, so no further pod can start",
      proof: "2 of 2 addresses are taken",
    },
  ]);
  await del(world, pods, blue);
  await expectContent(world);
});

scene("a pod that is gone without a DEL is a warning, which its command mends", async (world) => {
  const pods = install(world, network("pods"));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  for (const pod of [red, blue]) await add(world, pods, pod);
  await dies(world, red);
  const faults = faultsOf(await doctor(world));
  expect(faults).toMatchObject([
    {
      severity: "warning",
      sentence: "its pod is gone, and no DEL came: its address and its rules are still there",
    },
  ]);
  await runCures(world, faults);
  await expectContent(world);
});

for (const [what, harm] of [
  ["gone", "rm RECORD"],
  ["damaged", "echo { > RECORD"],
] as const)
  scene(`the lease of a living pod whose record is ${what} is not told to be removed`, async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    await add(world, pods, red);
    const record = (await world.host.must("ls /var/lib/cni/pontoon/pods")).match(/\w+\.json/)?.[0];
    await world.host.must(["sh", "-c", harm.replace("RECORD", `/var/lib/cni/pontoon/pods/${record}`)]);
    const { findings } = await doctor(world);
    expect(findings.map(({ code }) => code)).toEqual(
      what === "gone" ? ["strayInterface"] : ["damagedRecord", "strayInterface"],
    );
    await runCures(world, findings);
    expect(world.has("/var/lib/cni/networks/pods/10.1.0.2")).toBe(true);
    await red.must("ping -c1 -W2 10.1.0.1");
  });

scene("a word shows what concerns one pod alone, and what is right", async (world) => {
  const { all } = await healthyNode(world);
  await world.host.must(`ip link set ${await hostLinkOf(world, all[0]!)} down`);
  const red = (await doctor(world, "10.1.0.2")).findings[0]?.pods[0] ?? "";
  expect(await doctorText(world, "10.1.0.3")).toMatch(
    /^( {2}✓ .*\n)+\n1 attachment of 1 network: nothing is wrong\.\n$/,
  );
  expect(await doctorText(world, "10.1.0.2")).toContain(`${red}\n  ✗ the host's end veth`);
  expect((await doctor(world, "pods")).status).toBe(1);
});

scene(
  "a plugin that cannot be run, a broken configuration and one in front of it are named",
  async (world) => {
    install(world, network("pods"));
    world.write(
      `${CONFIG_FOLDER}/05-other.conflist`,
      JSON.stringify({ cniVersion: "1.0.0", name: "other", plugins: [{ type: "bridge" }] }),
    );
    expect((await doctor(world)).findings).toMatchObject([
      { severity: "note", sentence: expect.stringContaining("does not use Pontoon") },
    ]);
    world.write(`${CONFIG_FOLDER}/05-other.conflist`, "{");
    expect(faultsOf(await doctor(world))).toMatchObject([
      { severity: "error", subject: `${CONFIG_FOLDER}/05-other.conflist` },
    ]);
    await world.host.must(`rm ${CONFIG_FOLDER}/05-other.conflist`);
    await world.host.must([
      "sh",
      "-c",
      `cp ${PLUGIN_FOLDER}/pontoon /run/world/doctor; rm ${PLUGIN_FOLDER}/pontoon; echo > ${PLUGIN_FOLDER}/pontoon; echo > ${PLUGIN_FOLDER}/other`,
    ]);
    const { stdout, status } = await world.host.exec([
      "/run/world/doctor",
      "doctor",
      "--json",
      "--conf-dir",
      CONFIG_FOLDER,
      "--bin-dir",
      PLUGIN_FOLDER,
    ]);
    expect(status).toBe(1);
    const [fault] = (JSON.parse(stdout) as DoctorReport).findings;
    expect(fault).toMatchObject({
      sentence: "this plugin cannot be run",
      cure: `chmod 755 ${PLUGIN_FOLDER}/pontoon`,
    });
  },
);

scene("the doctor is content with a node that has no pods, and one that a pod has left", async (world) => {
  expect(await doctorText(world)).toBe("0 attachments of 0 networks: nothing is wrong.\n");
  const pods = install(world, network("pods"));
  expect(await doctorText(world)).toBe("0 attachments of 0 networks: nothing is wrong.\n");
  const red = await world.pod("red");
  await add(world, pods, red);
  await del(world, pods, red);
  expect(await doctorText(world)).toBe("0 attachments of 0 networks: nothing is wrong.\n");
});
