// From what was asked, what was reserved and what is there to the steps of an ADD and its result. Pure.
import type { BandwidthConfig } from "../cni/bandwidth.ts";
import type { IngressPolicy } from "../cni/bridge-config.ts";
import type { Netconf } from "../cni/config.ts";
import type { Dns, Result, Route } from "../cni/result.ts";
import type { Address, Family } from "../ip/address.ts";
import { networkOf, type Prefix, samePrefix } from "../ip/prefix.ts";
import type { AttachmentKey, RecordedHostPorts } from "../record/attachment.ts";
import { planBandwidth } from "./bandwidth.ts";
import { macsFollow } from "./mac.ts";
import { podRoute, resultRoutes } from "./route.ts";
import { insertSourceRouting } from "./source-routing.ts";
import type { FoundBridge, Step } from "./step.ts";
import { insertTuning } from "./tuning.ts";
import { portVlanStep, vlanGatewayStep } from "./vlan.ts";

/** An address that was reserved for the pod. */
export interface PodAddress {
  /** With the length of its subnet. */
  address: Prefix;
  /** A foreign IPAM plugin may give none. */
  gateway: Address | undefined;
  /** True: another program may have given out IPv4 addresses of this range set since we last did. */
  givenByOthers?: boolean | undefined;
}

/** What the plan of an ADD is made from. */
export interface AddInput {
  netconf: Netconf;
  key: AttachmentKey;
  /** Digest of the key. */
  owner: string;
  namespacePath: string;
  pod: string | undefined;
  addresses: PodAddress[];
  /** Routes and dns that come with the addresses. */
  routes: Route[];
  ipamDns: Dns;
  bridge: { mac: string; mtu: number; found: FoundBridge | undefined };
  hostInterface: { name: string; mac: string };
  mac: string;
  mtu: number;
  /** The device for what the pod sends; undefined when that is not limited, or inside the pod. */
  ifb: { name: string; mac: string } | undefined;
  hostPorts: RecordedHostPorts | undefined;
  /** The network is in a VLAN and masqueraded, and the packet filter sees bridges. */
  isFilteredVlan: boolean;
}

export interface AddPlan {
  steps: Step[];
  result: Result;
  /** Sentences for the log; mostly there is nothing to say. */
  notices: string[] | undefined;
}

/** The steps of an ADD, in order, and the result that it prints when all are done. */
export function planAdd(input: AddInput): AddPlan {
  const routes = resultRoutes(input);
  const follow = macsFollow(input);
  const plan: AddPlan = {
    steps: [...bridgeSteps(input, follow), ...podSteps(input, routes, follow)],
    result: planResult(input, routes),
    notices: undefined,
  };
  if (input.netconf.bandwidth !== undefined) limitBandwidth(input.netconf.bandwidth, input, plan);
  if (input.netconf.sourceBasedRouting) {
    insertSourceRouting(plan.steps, input.addresses);
  }
  if (input.netconf.tuning !== undefined) {
    insertTuning(plan.steps, input.netconf.tuning, input.key.interfaceName);
  }
  if (input.hostPorts !== undefined && input.netconf.vlan !== 0)
    noticeHalfReach(input.hostPorts, input.netconf, plan);
  if (input.isFilteredVlan) noticeNoWayOut(input.netconf, plan);
  return plan;
}

/** IFALIASZ without its final zero. */
const ALIAS_BYTES = 255;

/**
 * The name that people see on the host's end: network, container, pod, interface; printable, cut to what the
 * kernel takes. The pod's name gives way first: by the others a GC knows the link again.
 */
export function aliasOf(key: AttachmentKey, pod: string | undefined): string {
  const head = `pontoon ${key.network} ${key.containerId}`;
  const tail = ` ${key.interfaceName}`;
  const room = ALIAS_BYTES - head.length - tail.length;
  const text = `${head}${pod === undefined || room <= 0 ? "" : ` ${pod}`.slice(0, room)}${tail}`;
  let printable = "";
  for (let at = 0; at < text.length && at < ALIAS_BYTES; at++) {
    const code = text.charCodeAt(at);
    printable += code >= 0x20 && code <= 0x7e ? text[at] : "?";
  }
  return printable;
}

/** The subnets of a network, which its pods reach without masquerading. */
export function networkSubnets(netconf: Netconf, addresses: PodAddress[]): Prefix[] {
  const subnets: Prefix[] = [];
  const add = (subnet: Prefix): void => {
    for (const known of subnets) if (samePrefix(known, subnet)) return;
    subnets.push(subnet);
  };
  for (const ranges of netconf.ipam?.rangeSets ?? []) for (const { subnet } of ranges) add(subnet);
  for (const { address } of addresses) add(networkOf(address));
  return subnets;
}

function bridgeSteps({ netconf, addresses, bridge }: AddInput, follow: boolean): Step[] {
  const steps: Step[] = [
    {
      kind: "bridge",
      name: netconf.bridge,
      ...bridge,
      promiscuous: netconf.promiscMode,
      vlanFiltering: netconf.hasVlans,
      macsFollow: follow,
    },
  ];
  if (!netconf.isGateway || addresses.length === 0) return steps;
  const gateways = gatewaysOf(addresses);
  const families: Family[] = [];
  for (const { address } of gateways) if (!families.includes(address.family)) families.push(address.family);
  if (netconf.vlan !== 0) steps.push(vlanGatewayStep(netconf));
  return [
    ...steps,
    { kind: "gateway", bridge: netconf.gatewayInterface, addresses: gateways, force: netconf.forceAddress },
    { kind: "forwarding", families },
  ];
}

/** The gateways as they stand on the bridge: with the lengths of their subnets. */
export function gatewaysOf(addresses: PodAddress[]): Prefix[] {
  const gateways: Prefix[] = [];
  for (const { address, gateway } of addresses)
    if (gateway !== undefined) gateways.push({ address: gateway, length: address.length });
  return gateways;
}

function podSteps(input: AddInput, routes: Route[], follow: boolean): Step[] {
  const { netconf, key, addresses, hostInterface, mac, mtu, hostPorts } = input;
  const host = { ...hostInterface, alias: aliasOf(key, input.pod) };
  const pod = { name: key.interfaceName, mac };
  const prefixes = addresses.map(({ address }) => address);
  const steps: Step[] = [
    {
      kind: "veth",
      bridge: netconf.bridge,
      host,
      pod,
      mtu,
      hairpin: netconf.hairpinMode || hostPorts?.hairpin === true,
      isolated: netconf.portIsolation || netconf.ingressPolicy === "isolated",
      raised: !netconf.disableContainerInterface,
      hostRaised: netconf.disableContainerInterface || netconf.foreignIpam !== undefined,
    },
  ];
  // Before there is an interface that a frame could come from.
  if (netconf.macspoofchk) steps.unshift(spoofCheckStep(input));
  if (netconf.ingressPolicy !== undefined) steps.unshift(ingressPolicyStep(input, netconf.ingressPolicy));
  if (netconf.hasVlans) steps.push(portVlanStep(netconf, host.name));
  // Nothing can be said of a link that stays down, and its port cannot forward.
  if (netconf.disableContainerInterface) return steps;
  const port = { bridge: netconf.bridge, hostInterface: host.name };
  const detectThrough = netconf.enabledad ? port : undefined;
  steps.push({
    kind: "pod",
    interfaceName: pod.name,
    addresses: prefixes,
    routes: routes.map((route) => podRoute(route, addresses)),
    detectThrough,
  });
  if (netconf.ipMasq && addresses.length > 0) steps.push(masqueradeStep(input));
  if (hostPorts !== undefined) steps.push(hostPortStep(input, hostPorts));
  steps.push({
    kind: "announce",
    ...port,
    interfaceName: pod.name,
    mac,
    addresses: prefixes,
    macFollows: follow,
    goesBeyond: !netconf.isGateway,
  });
  return steps;
}

/** Before the pod's end comes up, so nothing passes by the limits. */
function limitBandwidth(
  bandwidth: BandwidthConfig,
  { key, pod, hostInterface, mtu, ifb }: AddInput,
  plan: AddPlan,
): void {
  const device = ifb && { ...ifb, alias: aliasOf(key, pod) };
  const { step, notices } = planBandwidth({
    bandwidth,
    hostInterface: hostInterface.name,
    interfaceName: key.interfaceName,
    mtu,
    ifb: device,
  });
  plan.steps.splice(plan.steps.findIndex(({ kind }) => kind === "veth") + 1, 0, step);
  plan.notices = notices;
  // As the reference names it: after all others.
  if (ifb !== undefined) plan.result.interfaces.push({ ...ifb, mtu });
}

/**
 * The kernel translates such a packet in the bridge, and hands it to the bridge's own interface, which is in
 * no VLAN.
 */
function noticeHalfReach({ hairpin }: RecordedHostPorts, { vlan, bridge }: Netconf, plan: AddPlan): void {
  if (!hairpin) return;
  const notice = `host ports do not answer pods of VLAN ${vlan} of bridge ${bridge}, because the packet filter sees bridges (bridge-nf-call-iptables, bridge-nf-call-ip6tables); they answer everybody else`;
  plan.notices = [...(plan.notices ?? []), notice];
}

/**
 * The kernel decides about the source address in the bridge, which has none to give, and the packet is gone.
 */
function noticeNoWayOut({ vlan, bridge }: Netconf, plan: AddPlan): void {
  const notice = `pods of VLAN ${vlan} of bridge ${bridge} reach nobody beyond the node, because the packet filter sees bridges (bridge-nf-call-iptables, bridge-nf-call-ip6tables) and cannot masquerade there`;
  plan.notices = [...(plan.notices ?? []), notice];
}

function spoofCheckStep({ key, owner, hostInterface, mac }: AddInput): Step {
  return {
    kind: "spoofCheck",
    network: key.network,
    owner,
    label: attachmentLabel(key),
    hostInterface: hostInterface.name,
    mac,
  };
}

function ingressPolicyStep({ netconf, key, owner, addresses }: AddInput, policy: IngressPolicy): Step {
  const families = familiesOf(addresses.map(({ address }) => address));
  return {
    kind: "ingressPolicy",
    policy,
    network: key.network,
    owner,
    bridge: netconf.bridge,
    interfaceName: netconf.gatewayInterface,
    families,
  };
}

/** The families of these, each once. */
export function familiesOf(prefixes: Prefix[]): Family[] {
  return ([4, 6] as const).filter((family) => prefixes.some(({ address }) => address.family === family));
}

function masqueradeStep({ netconf, key, owner, addresses }: AddInput): Step {
  return {
    kind: "masquerade",
    backend: netconf.ipMasqBackend,
    network: key.network,
    owner,
    label: attachmentLabel(key),
    bridge: netconf.gatewayInterface,
    subnets: networkSubnets(netconf, addresses),
    addresses: addresses.map(({ address }) => address.address),
  };
}

function hostPortStep({ netconf, key, owner }: AddInput, ports: RecordedHostPorts): Step {
  const allowListening = netconf.hostPorts?.allowListening === true;
  return {
    kind: "hostPorts",
    network: key.network,
    owner,
    label: attachmentLabel(key),
    ports,
    allowListening,
  };
}

/** An attachment in words. */
export function attachmentLabel({ network, containerId, interfaceName }: AttachmentKey): string {
  return `${network} ${containerId} ${interfaceName}`;
}

/** Order as in the reference: bridge, host end, pod end; all addresses are the pod end's. */
function planResult(
  { netconf, namespacePath, key, addresses, ipamDns, bridge, hostInterface, mac, mtu }: AddInput,
  routes: Route[],
): Result {
  return {
    interfaces: [
      { name: netconf.bridge, mac: bridge.mac, mtu: bridge.mtu },
      { name: hostInterface.name, mac: hostInterface.mac, mtu },
      { name: key.interfaceName, mac, mtu, sandbox: namespacePath },
    ],
    ips: addresses.map(({ address, gateway }) => ({ interface: 2, address, gateway })),
    routes,
    dns: netconf.dns !== undefined && saysSomething(netconf.dns) ? netconf.dns : ipamDns,
  };
}

/** As in the reference: an empty list says that there is none, and an empty domain says nothing. */
function saysSomething({ nameservers, domain, search, options }: Dns): boolean {
  return nameservers !== undefined || search !== undefined || options !== undefined || (domain ?? "") !== "";
}
