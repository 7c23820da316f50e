// `pontoon doctor` in the tests: a node is broken, the doctor names that and nothing else, and what it says
// mends it.
import { dirname } from "node:path";
import { expect } from "vitest";
import { FINDING_CODES, type FindingCode } from "../../src/doctor/code.ts";
import { add } from "./cni.ts";
import { addNeighbour } from "./neighbour.ts";
import { install, type Network, type NetworkWishes, network } from "./network.ts";
import type { Outcome } from "./process.ts";
import { toolPath } from "./tool.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, type Pod, type World } from "./world.ts";

export interface DoctorFinding {
  code: FindingCode;
  subject: string;
  severity: "error" | "warning" | "note";
  sentence: string;
  proof?: string;
  cure?: string;
  advice?: string;
  repairable: boolean;
  pods: string[];
  networks: string[];
}

export interface DoctorReport {
  status: number | undefined;
  findings: DoctorFinding[];
  blind: { examination: string; reason: string }[];
  repaired?: string[];
}

/** The words by which a sentence of each kind is known. Those of a difference are those of its step. */
const SENTENCES: { readonly [Code in Exclude<FindingCode, `${string}Differs`>]: RegExp } = {
  wrongConfiguration: /./,
  noConfiguration: /^no network configuration is in this folder/,
  waitingConfiguration: /^containerd and CRI-O take this file/,
  missingPlugin: /^this plugin is missing/,
  unusablePlugin: /^this plugin cannot be run/,
  damagedRecord: /^the record \S+ is damaged/,
  laterRecord: /^the record \S+ was written by a later Pontoon/,
  readOnlyState: /is mounted read-only/,
  unwritableState: /^nothing can be written in/,
  lostLease: /^its lease of/,
  strayLease: /^the lease of \S+ belongs to no attachment, so no pod/,
  foreignLease: /it may be that of a pod of another plugin/,
  fullPool: /^no address is left in/,
  deadAttachment: /^its pod is gone/,
  strayInterface: /is an interface of Pontoon, and no record says whose/,
  wrongNeighbour: /^a static neighbour (in the pod|on the node) says/,
  sameMac: /have the same MAC/,
  sameAddress: /have the same address|in the pod has \S+ too, the address of/,
  addressOfNode: /of the node has its address \S+ too/,
  nobodyListens: /where nobody listens|^nobody in/,
  shadowedListener: /connections from outside go to the pod/,
  hostPortShadowed: /(leads|may lead) connections to host port \S+ elsewhere: /,
  firewallDrops: / drops /,
  firewallMayDrop: / may drop /,
  secondOwner: /as well, and the node sends packets for one subnet by one interface/,
  overlappingSubnet: /which overlaps the subnet of the pods/,
  wrongRoute: /^the node (sends packets for|does not reach)/,
  noWayOut: /^the node has no way to hosts far away/,
  wayOutRefused: /^what pods send beyond the node is lost|^the node does not route the packet/,
  answersRefused: /^the answers to pods from beyond the node are lost|^the node does not route the answer/,
  wayOutDown: /has no carrier$/,
  silentRouter: /^the router \S+, by which pods' packets leave the node, did not answer/,
  mtuAboveWayOut: /^pods send packets of \d+ bytes, and the way out/,
  mtuAboveTunnel: /^pods send packets of \d+ bytes, and the tunnel/,
  tunnelDown: /^the tunnel is down/,
  tunnelAddressLost: /^no interface of this node has/,
  tunnelMac: /^the tunnel has the MAC/,
  tunnelLearns: /^the tunnel learns/,
  tunnelNodeUnknown: /^the tunnel does not know the node/,
  tunnelRouteLost: /^no route leads to the pods behind/,
  tunnelWithoutFamily: /^the node has no IPv[46] address in the tunnel/,
  nodeTableAbsent: /^it is not there, so no wish masquerades/,
  nodeTableBroken: /^it is not whole/,
  nodeTableException: /^packets to pods of \S+ .*are masqueraded/,
  forwardingOff: /^forwarding of IPv[46] is/,
  conflistGone: /^it is gone since an apply/,
  conflistChanged: /^it was changed by others/,
  connectionTableFull: /^the table of tracked connections is/,
  neighbourTableFull: /^the table of IPv[46] neighbours is/,
  podLeadsElsewhere: /^the pod (has no way to|sends packets for)/,
  noRoute: /^the node has no route to/,
  noHostPort: /^no pod has/,
  isolatedPorts: /^both ports are isolated/,
  otherEndOfWire: /leads to its other pod alone/,
};

/** Expects that each finding has the code of its kind. */
export function expectCodes(findings: readonly Pick<DoctorFinding, "code" | "sentence">[]): void {
  for (const { code, sentence } of findings) {
    const pattern = new Map<string, RegExp>(Object.entries(SENTENCES)).get(code);
    expect(FINDING_CODES, sentence).toContain(code);
    expect(pattern?.test(sentence) ?? code.endsWith("Differs"), `${code}: ${sentence}`).toBe(true);
  }
}

const FOLDERS = ["--conf-dir", CONFIG_FOLDER, "--bin-dir", PLUGIN_FOLDER];

/** The report of a doctor, as programs read it. */
export async function doctor(world: World, ...args: string[]): Promise<DoctorReport> {
  const command = [`${PLUGIN_FOLDER}/pontoon`, "doctor", "--json", ...FOLDERS, ...args];
  const { status, stdout, stderr } = await world.host.exec(command);
  if (stdout === "") throw new Error(`doctor said nothing, ended with ${status}: ${stderr}`);
  const report = JSON.parse(stdout) as DoctorReport;
  expectCodes(report.findings);
  return { ...report, status };
}

/** A call of the doctor. */
export function runDoctor(world: World, ...args: string[]): Promise<Outcome> {
  return world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "doctor", ...FOLDERS, ...args]);
}

/** The report of a doctor, as a person reads it. */
export async function doctorText(world: World, ...args: string[]): Promise<string> {
  const { stdout } = await world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "doctor", ...FOLDERS, ...args]);
  return stdout;
}

/** The findings that are faults. */
export const faultsOf = ({ findings }: DoctorReport): DoctorFinding[] =>
  findings.filter(({ severity }) => severity !== "note");

/** Expects a doctor that finds no fault and could look everywhere. */
export async function expectContent(world: World): Promise<void> {
  const report = await doctor(world);
  expect({ faults: faultsOf(report), blind: report.blind, status: report.status }).toEqual({
    faults: [],
    blind: [],
    status: 0,
  });
}

const PATH = [
  PLUGIN_FOLDER,
  ...["iptables-nft", "iptables-legacy"].map((tool) => dirname(toolPath(tool))),
].join(":");

/** Runs the command of each fault, as a person would who pastes it into a shell. */
export async function runCures(world: World, faults: readonly DoctorFinding[]): Promise<void> {
  for (const { cure } of faults)
    if (cure !== undefined) await world.host.must(["sh", "-c", `PATH=$PATH:${PATH}; ${cure}`]);
}

/** Whether the packet filter sees what pods of one bridge send each other (br_netfilter). */
export async function filterBridges(world: World, isOn: boolean): Promise<void> {
  for (const program of ["iptables", "ip6tables"])
    await world.host.must(`sysctl -qw net.bridge.bridge-nf-call-${program}=${isOn ? 1 : 0}`);
}

export interface Stage {
  world: World;
  pods: Network;
  all: Pod[];
}

/** A host with an uplink and two pods, which a doctor is content with. */
export async function healthyNode(world: World, wishes: NetworkWishes = {}): Promise<Stage> {
  const pods = install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"], ...wishes }));
  const { v4, v6 } = await addNeighbour(world);
  await world.host.must(`ip route add default via ${v4}`);
  await world.host.must(`ip -6 route add default via ${v6}`);
  const all = [await world.pod("red"), await world.pod("blue")];
  for (const pod of all) await add(world, pods, pod);
  await expectContent(world);
  return { world, pods, all };
}
