// From an attachment's result, configuration and record to the steps that must hold now. Pure.
import { type BandwidthConfig, needsIfb } from "../cni/bandwidth.ts";
import type { IngressPolicy } from "../cni/bridge-config.ts";
import type { Netconf } from "../cni/config.ts";
import type { Result, ResultInterface, ResultIp, Route } from "../cni/result.ts";
import { formatPrefix, networkOf, type Prefix, parsePrefixes } from "../ip/prefix.ts";
import type { AttachmentKey, AttachmentRecord } from "../record/attachment.ts";
import { attachmentLabel, familiesOf, gatewaysOf, networkSubnets, type PodAddress } from "./add.ts";
import { planBandwidth } from "./bandwidth.ts";
import { podRoute, resultRoutes } from "./route.ts";
import { insertSourceRouting } from "./source-routing.ts";
import type { Step } from "./step.ts";
import { insertTuning } from "./tuning.ts";
import { portVlanStep, vlanGatewayStep } from "./vlan.ts";

export interface CheckInput {
  netconf: Netconf;
  prevResult: Result;
  key: AttachmentKey;
  owner: string;
  namespacePath: string;
  hostInterface: string;
  /** The name of its ifb, should it have one. */
  ifb: string;
  /** Undefined when the attachment was made by another program. */
  record: AttachmentRecord | undefined;
}

export interface CheckPlan {
  steps: Step[];
  /** The pod's addresses, as the result has them. */
  ips: ResultIp[];
}

/**
 * What must hold for the attachment that `prevResult` tells of. That is the final result of the chain, so
 * what a later plugin changed on purpose (a MAC) is in it; what it does not name is not looked at. Undefined
 * when the result has no interface of that name inside the pod.
 */
export function planCheck(input: CheckInput): CheckPlan | undefined {
  const index = input.prevResult.interfaces.findIndex(
    ({ name, sandbox }) => name === input.key.interfaceName && (sandbox ?? "") !== "",
  );
  const pod = input.prevResult.interfaces[index];
  if (pod === undefined) return undefined;
  const ips = input.prevResult.ips.filter((ip) => ip.interface === undefined || ip.interface === index);
  const addresses = ips.map(({ address, gateway }) => ({ address, gateway }));
  const host = hostEndOf(input, index);
  const steps = [...sharedSteps(input, addresses), ...ownSteps(input, host, pod, ips, addresses)];
  if (input.netconf.sourceBasedRouting) insertSourceRouting(steps, addresses);
  if (input.netconf.tuning !== undefined) insertTuning(steps, input.netconf.tuning, input.key.interfaceName);
  return { ips, steps };
}

/** The host's end of the veth pair, and whether it is one of ours. */
interface HostEnd {
  name: string;
  isOurs: boolean;
}

/**
 * An attachment that another program made, before the type in the configuration was changed, has a host end
 * of another name (the interface that its result names before the pod's) and is masqueraded by rules of
 * another kind.
 */
function hostEndOf({ hostInterface, prevResult, record }: CheckInput, podIndex: number): HostEnd {
  const isOurs = record !== undefined || prevResult.interfaces.some(({ name }) => name === hostInterface);
  const named = prevResult.interfaces[podIndex - 1];
  if (isOurs || named === undefined || (named.sandbox ?? "") !== "")
    return { name: hostInterface, isOurs: true };
  return { name: named.name, isOurs: false };
}

function sharedSteps({ netconf }: CheckInput, addresses: PodAddress[]): Step[] {
  const bridge: Step = {
    kind: "bridge",
    name: netconf.bridge,
    mac: "",
    mtu: 0,
    promiscuous: netconf.promiscMode,
    vlanFiltering: netconf.hasVlans,
    macsFollow: false,
    found: undefined,
  };
  if (!netconf.isGateway || addresses.length === 0) return [bridge];
  const gateways = gatewaysOf(addresses);
  const families = [...new Set(gateways.map(({ address }) => address.family))];
  const vlanGateway = netconf.vlan === 0 ? [] : [vlanGatewayStep(netconf)];
  return [
    bridge,
    ...vlanGateway,
    { kind: "gateway", bridge: netconf.gatewayInterface, addresses: gateways, force: false },
    { kind: "forwarding", families },
  ];
}

function ownSteps(
  input: CheckInput,
  host: HostEnd,
  pod: ResultInterface,
  ips: ResultIp[],
  addresses: PodAddress[],
): Step[] {
  const { netconf, key, record } = input;
  const prefixes = ips.map(({ address }) => address);
  const mac = pod.mac ?? record?.mac ?? "";
  const steps: Step[] = [
    {
      kind: "veth",
      bridge: netconf.bridge,
      host: { name: host.name, mac: "", alias: "" },
      pod: { name: key.interfaceName, mac },
      mtu: record?.mtu ?? pod.mtu ?? 0,
      hairpin: netconf.hairpinMode || record?.hostPorts?.hairpin === true,
      isolated: netconf.portIsolation || policyOf(input) === "isolated",
      raised: !netconf.disableContainerInterface,
      hostRaised: false,
    },
  ];
  const bandwidth = record === undefined ? netconf.bandwidth : record.bandwidth;
  if (bandwidth !== undefined && host.isOurs)
    steps.splice(1, 0, bandwidthStep(input, bandwidth, host.name, record?.mtu ?? pod.mtu ?? 0));
  const policy = policyOf(input);
  if (policy !== undefined && host.isOurs) steps.unshift(ingressPolicyStep(input, policy, prefixes));
  if (netconf.macspoofchk && host.isOurs) steps.unshift(spoofCheckStep(input, host.name, mac));
  if (netconf.hasVlans) steps.push(portVlanStep(netconf, host.name));
  if (netconf.disableContainerInterface) return steps;
  // A route that names no gateway is compared by its destination alone.
  const routes = ownRoutes(input, addresses).map((route) => ({
    ...podRoute(route, addresses),
    gateway: route.gw,
  }));
  steps.push({
    kind: "pod",
    interfaceName: key.interfaceName,
    addresses: prefixes,
    routes,
    detectThrough: undefined,
  });
  if (netconf.ipMasq && ips.length > 0 && host.isOurs) steps.push(masqueradeStep(input, ips, addresses));
  if (record?.hostPorts !== undefined) {
    steps.push({
      kind: "hostPorts",
      network: key.network,
      owner: input.owner,
      label: attachmentLabel(key),
      ports: record.hostPorts,
      allowListening: true,
    });
  }
  steps.push({
    kind: "announce",
    bridge: netconf.bridge,
    hostInterface: host.name,
    interfaceName: key.interfaceName,
    mac,
    addresses: prefixes,
    macFollows: false,
    goesBeyond: false,
  });
  return steps;
}

/**
 * The routes of the result that IPAM gave or the configuration asks for; others are those of other plugins in
 * the chain.
 */
function ownRoutes({ netconf, prevResult, record }: CheckInput, addresses: PodAddress[]): Route[] {
  const routes = netconf.ipam?.routes ?? parsePrefixes(record?.foreignRoutes ?? []).map((dst) => ({ dst }));
  const asked = new Set(
    resultRoutes({ netconf, addresses, routes }).map(({ dst }) => formatPrefix(networkOf(dst))),
  );
  return prevResult.routes.filter(({ dst }) => asked.has(formatPrefix(networkOf(dst))));
}

/** As it was made, which the record knows. */
function bandwidthStep(
  { key, ifb }: CheckInput,
  bandwidth: BandwidthConfig,
  hostInterface: string,
  mtu: number,
): Step {
  const device = needsIfb(bandwidth) ? { name: ifb, mac: "", alias: "" } : undefined;
  return planBandwidth({ bandwidth, hostInterface, interfaceName: key.interfaceName, mtu, ifb: device }).step;
}

/**
 * With the MAC of the result: a plugin that changed it after us has cut the pod off, since only that of the
 * ADD is let through.
 */
function spoofCheckStep({ key, owner }: CheckInput, hostInterface: string, mac: string): Step {
  return { kind: "spoofCheck", network: key.network, owner, label: attachmentLabel(key), hostInterface, mac };
}

/** As it was made, which the record knows. */
function policyOf({ netconf, record }: CheckInput): IngressPolicy | undefined {
  return record === undefined ? netconf.ingressPolicy : record.ingressPolicy;
}

function ingressPolicyStep(
  { netconf, key, owner, record }: CheckInput,
  policy: IngressPolicy,
  prefixes: Prefix[],
): Step {
  const interfaceName = record?.gatewayInterface ?? record?.bridge ?? netconf.gatewayInterface;
  return {
    kind: "ingressPolicy",
    policy,
    network: key.network,
    owner,
    bridge: record?.bridge ?? netconf.bridge,
    interfaceName,
    families: familiesOf(prefixes),
  };
}

function masqueradeStep(
  { netconf, key, owner, record }: CheckInput,
  ips: ResultIp[],
  addresses: PodAddress[],
): Step {
  // The ranges may have been widened since: the attachment keeps the chain that it was made with.
  const recorded = record?.masqueradeSubnets && parsePrefixes(record.masqueradeSubnets);
  return {
    kind: "masquerade",
    backend: record === undefined ? netconf.ipMasqBackend : (record.masqueradeBackend ?? "nftables"),
    network: key.network,
    owner,
    label: attachmentLabel(key),
    bridge: record?.gatewayInterface ?? record?.bridge ?? netconf.gatewayInterface,
    subnets: recorded ?? networkSubnets(netconf, addresses),
    addresses: ips.map(({ address }) => address.address),
  };
}
