// The ways of pods' packets beyond the node: what rules and routes refuse, links that do not forward, and
// routers that do not answer. `pontoon doctor` and `--trace` name it, and the printed command mends it.
import { expect } from "vitest";
import type { FindingCode } from "../../src/doctor/code.ts";
import { add } from "../support/cni.ts";
import {
  type DoctorFinding,
  doctor,
  doctorText,
  expectContent,
  faultsOf,
  healthyNode,
  runCures,
  runDoctor,
} from "../support/doctor.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, network } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { waitFor } from "../support/wait.ts";
import type { World } from "../support/world.ts";

const FAR = { 4: "203.0.113.9", 6: "2001:db8:9::9" } as const;

/** A node with two pods and a way out to a host far away, of both families. */
async function onTheWay(world: World) {
  const stage = await healthyNode(world);
  for (const address of Object.values(FAR))
    await world.host.must(`ip netns exec neighbour ip address add ${address} dev lo`);
  return { ...stage, red: stage.all[0]! };
}

async function traceFault(world: World, from: string, to: string): Promise<DoctorFinding | undefined> {
  const { stdout } = await runDoctor(world, "--json", "--trace", from, to);
  const { hops } = JSON.parse(stdout) as { hops: (DoctorFinding & { passes: boolean })[] };
  return hops.find(({ passes }) => !passes);
}

interface Harm {
  name: string;
  harm: string;
  /** What the doctor says, its code, and the cause that both name. */
  says: RegExp;
  code: FindingCode;
  cause?: string;
  family?: 4 | 6;
}

const HARMS: Harm[] = [
  {
    name: "the way out does not forward",
    harm: "sysctl -qw net.ipv4.conf.uplink.forwarding=0",
    code: "answersRefused",
    says: /^the answers to pods from beyond the node are lost: uplink does not forward/,
    cause: "uplink does not forward",
  },
  {
    name: "a routing rule refuses what pods send",
    harm: "ip rule add pref 50 from 10.1.0.0/24 blackhole",
    code: "wayOutRefused",
    says: /the routing rule "50: from 10\.1\.0\.0\/24 blackhole" refuses it$/,
    cause: 'rule "50: from 10.1.0.0/24 blackhole" refuses it',
  },
  {
    name: "a routing rule refuses what pods send by IPv6",
    harm: "ip -6 rule add pref 50 iif pods0 prohibit",
    code: "wayOutRefused",
    says: /the routing rule "50: from all iif pods0 prohibit" refuses it$/,
    cause: 'rule "50: from all iif pods0 prohibit" refuses it',
    family: 6,
  },
  {
    name: "a rule leads pods to a table that refuses all",
    harm: "ip route add unreachable default table 77; ip rule add pref 60 iif pods0 lookup 77",
    code: "wayOutRefused",
    says: /the route "unreachable default" of table 77 refuses it$/,
    cause: 'route "unreachable default" of table 77 refuses it',
  },
  {
    name: "a rule leads packets for pods to another table",
    harm: "ip route add 10.1.0.0/24 via 192.168.50.2 table 79; ip rule add pref 60 to 10.1.0.0/24 lookup 79",
    code: "wrongRoute",
    says: /^the node sends packets for 10\.1\.0\.2 and 10\.1\.0\.3 by uplink, and the pods are on pods0$/,
    cause: "by uplink",
  },
  {
    name: "a pod's address is the node's by a route alone",
    harm: "ip route add local 10.1.0.2 dev lo",
    code: "wrongRoute",
    says: /^the node sends packets for 10\.1\.0\.2 by lo, and the pod is on pods0$/,
    cause: "by lo",
  },
  {
    name: "a route refuses packets for a pod",
    harm: "ip route add blackhole 10.1.0.2",
    code: "wrongRoute",
    says: /^the node does not reach 10\.1\.0\.2 on pods0$/,
    cause: "does not reach 10.1.0.2",
  },
  {
    name: "no rule leads to the table main",
    harm: "ip rule del pref 32766",
    code: "wrongRoute",
    says: /^the node does not reach 10\.1\.0\.2 and 10\.1\.0\.3 on pods0$/,
    cause: "does not reach",
  },
];

for (const { name, harm, says, code, cause, family = 4 } of HARMS)
  scene(`the doctor and a trace name it when ${name}, and the printed command mends it`, async (world) => {
    const { red } = await onTheWay(world);
    const reaches = async () => (await red.exec(`ping -c1 -W0.3 ${FAR[family]}`)).status === 0;
    expect(await reaches()).toBe(true);
    await world.host.must(["sh", "-c", harm]);
    expect(await reaches()).toBe(false);
    const faults = faultsOf(await doctor(world));
    expect(faults.map(({ sentence }) => sentence)).toEqual([expect.stringMatching(says)]);
    expect(faults[0]!.code).toBe(code);
    const traced = await traceFault(world, "red", FAR[family]);
    expect(traced?.sentence).toContain(cause);
    expect(traced?.cure).toBe(faults[0]!.cure);
    await runCures(world, faults);
    await waitFor("the pod reaches the host far away", reaches);
    await expectContent(world);
    expect(await traceFault(world, "red", FAR[family])).toBeUndefined();
  });

scene("a pair of its own that does not forward is named, and no other", async (world) => {
  await onTheWay(world);
  const pairs = install(world, ptpNetwork("pairs", { subnets: ["10.2.0.0/24"] }));
  const [green, teal] = [await world.pod("green"), await world.pod("teal")];
  for (const pod of [green, teal]) await add(world, pairs, pod);
  const end = await hostLinkOf(world, green);
  await world.host.must(`sysctl -qw net.ipv4.conf.${end}.forwarding=0`);
  expect((await green.exec(`ping -c1 -W0.3 ${FAR[4]}`)).status).toBe(1);
  const faults = faultsOf(await doctor(world));
  expect(faults.map(({ code, sentence, pods }) => ({ code, sentence, count: pods.length }))).toEqual([
    { code: "wayOutRefused", sentence: expect.stringContaining(`${end} does not forward`), count: 1 },
  ]);
  await runCures(world, faults);
  await green.must(`ping -c1 -W2 ${FAR[4]}`);
  await expectContent(world);
});

scene("a node without a way out, or one without a carrier, is named", async (world) => {
  await onTheWay(world);
  const only = async () => {
    const faults = faultsOf(await doctor(world));
    expect(faults.length).toBe(1);
    return faults[0]!;
  };
  await world.host.must("ip route del default");
  expect(await only()).toMatchObject({
    code: "noWayOut",
    severity: "warning",
    proof: "no default route is there",
  });
  await world.host.must("ip link set uplink down");
  const down = await only();
  expect(down).toMatchObject({ code: "noWayOut", proof: "uplink with the address 192.168.50.1/24 is down" });
  await runCures(world, [down]);
  await world.host.must("ip route add default via 192.168.50.2");
  await world.host.must("ip -6 address add fd50::1/64 dev uplink nodad");
  await world.host.must("ip -6 route add default via fd50::2");
  await expectContent(world);
  await world.host.must("ip netns exec neighbour ip link set wire down");
  expect(await only()).toMatchObject({ code: "wayOutDown", severity: "error" });
  expect(await traceFault(world, "red", "outside")).toMatchObject({ code: "wayOutDown" });
});

scene("a router that does not answer is named, also one that a rule leads pods to", async (world) => {
  const { red } = await onTheWay(world);
  await world.host.must("ip route add default via 192.168.50.77 table 80");
  await world.host.must("ip rule add pref 70 from 10.1.0.2 lookup 80");
  await expectContent(world);
  await red.exec(`ping -c1 -W0.1 ${FAR[4]}`);
  const { findings, status } = await doctor(world);
  expect(findings).toMatchObject([{ code: "silentRouter", severity: "note" }]);
  expect(findings[0]!.sentence).toContain("192.168.50.77");
  // What was heard last may be of long ago, so it is no fault.
  expect(status).toBe(0);
  expect(await doctorText(world, "--trace", "red", FAR[4])).toMatch(
    /\? the router 192\.168\.50\.77, by which/,
  );
  expect(await doctorText(world, "--trace", "blue", FAR[4])).not.toContain("?");
});

scene(
  "pods on a node without an uplink, or with a way out by a rule of their own, are no fault",
  async (world) => {
    const pods = install(world, network("pods"));
    await add(world, pods, await world.pod("red"));
    expect(await doctorText(world)).toBe("1 attachment of 1 network: nothing is wrong.\n");
    await world.host.must("ip link add uplink type veth peer name wire");
    await world.host.must("ip link set uplink up");
    await world.host.must("ip link set wire up");
    await world.host.must("ip address add 192.168.50.1/24 dev uplink");
    await world.host.must("ip route add default via 192.168.50.2 table 80");
    await world.host.must("ip rule add pref 70 from 10.1.0.0/24 lookup 80");
    await expectContent(world);
  },
);
