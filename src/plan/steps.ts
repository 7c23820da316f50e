// From an attachment to its steps. This file alone makes steps, for ADD, CHECK, DEL, GC and restore. Pure.
import {
  type Attachment,
  addressesOf,
  familiesOfPrefixes,
  type PodAddress,
  prefixesOf,
} from "../attachment/attachment.ts";
import { deviceAlias } from "../attachment/device.ts";
import { type BridgePortLink, bridgeOf, entryOf, hostEndOf } from "../attachment/link.ts";
import { aliasOf, networkGroup } from "../attachment/name.ts";
import { freeEndName } from "../attachment/wire.ts";
import { INTERFACE_PLACEHOLDER, type Sysctl } from "../cni/tuning.ts";
import { type Address, type Family, sameAddress } from "../ip/address.ts";
import { networkOf, type Prefix, prefixContains } from "../ip/prefix.ts";
import { bandwidthStep } from "./bandwidth.ts";
import { STEP_NAMES } from "./order.ts";
import { podRoutes } from "./route.ts";
import type { BridgePort, PortSettings, SourceCheck, Step, StepName, StepOf } from "./step.ts";

/**
 * The steps of the attachment, in the order of an ADD; with `names` only steps of these kinds. A part that
 * the attachment does not have makes no step.
 */
export function stepsOf(attachment: Attachment, names: readonly StepName[] = STEP_NAMES): Step[] {
  const steps: Step[] = [];
  for (const name of names) {
    const step = MAKERS[name](attachment);
    if (step !== undefined) steps.push(step);
  }
  return steps;
}

/** The step of one kind; undefined when the attachment has none. */
export function stepOf<Name extends StepName>(name: Name, attachment: Attachment): StepOf<Name> | undefined {
  return MAKERS[name](attachment) as StepOf<Name> | undefined;
}

/** The step of one kind of the first attachment that has one. */
export function firstStepOf(name: StepName, attachments: readonly Attachment[]): Step | undefined {
  const make = MAKERS[name];
  for (let at = 0; at < attachments.length; at++) {
    const step = make(attachments[at]!);
    if (step !== undefined) return step;
  }
  return undefined;
}

/** One maker for each kind: a kind that is missing here does not compile. */
const MAKERS: { readonly [Name in StepName]: (attachment: Attachment) => StepOf<Name> | undefined } = {
  bridge({ link }) {
    if (link.kind !== "bridgePort") return undefined;
    return { kind: "bridge", ...link.bridge, ignoresLinkLocal: link.hasFixedMac };
  },

  vlanGateway(attachment) {
    const { link } = attachment;
    if (link.kind !== "bridgePort") return undefined;
    const { bridge, gatewayInterface, vlans } = link;
    if (gatewayInterface === bridge.name || vlans === undefined || !hasGateway(attachment)) return undefined;
    const { native: vlan, keepOthers: keepDefaultVlan } = vlans;
    return { kind: "vlanGateway", bridge: bridge.name, gatewayInterface, vlan, keepDefaultVlan };
  },

  gateway(attachment) {
    const { gateway, link } = attachment;
    if (gateway === undefined || link.kind !== "bridgePort" || !hasGateway(attachment)) return undefined;
    const { force, ofOtherRanges: others = [] } = gateway;
    const addresses = gatewaysOf(attachment);
    return { kind: "gateway", gatewayInterface: link.gatewayInterface, addresses, others, force };
  },

  forwarding(attachment) {
    if (!hasGateway(attachment)) return undefined;
    const families: Family[] = [];
    for (const { address } of gatewaysOf(attachment))
      if (!families.includes(address.family)) families.push(address.family);
    return { kind: "forwarding", families };
  },

  ingressPolicy(attachment) {
    const { ingressPolicy: policy, key, link } = attachment;
    const entry = policy === undefined ? undefined : entryOf(link);
    if (policy === undefined || entry === undefined) return undefined;
    const families = familiesOfPrefixes(prefixesOf(attachment));
    return {
      kind: "ingressPolicy",
      key,
      policy,
      bridge: bridgeOf(link),
      gatewayInterface: entry,
      group: groupOf(attachment),
      families,
    };
  },

  spoofCheck(attachment) {
    const check = sourceCheckOf(attachment);
    return check && bridgeOf(attachment.link) !== undefined ? { kind: "spoofCheck", ...check } : undefined;
  },

  nodeSpoofCheck(attachment) {
    const check = sourceCheckOf(attachment);
    return check && bridgeOf(attachment.link) === undefined
      ? { kind: "nodeSpoofCheck", ...check }
      : undefined;
  },

  arpCheck(attachment) {
    const { addressCheck, link } = attachment;
    if (addressCheck === undefined || bridgeOf(link) !== undefined) return undefined;
    const check = sourceCheckOf(attachment);
    return check && { kind: "arpCheck", ...check };
  },

  veth(attachment) {
    const { key, pod: podName, spoofCheck, link } = attachment;
    const host = hostEndOf(link);
    if (host === undefined) return undefined;
    const { pod, mtu } = link;
    const port = link.kind === "bridgePort" ? portSettings(link, spoofCheck) : undefined;
    const group = groupOf(attachment);
    return { kind: "veth", host: { ...host, alias: aliasOf(key, podName) }, pod, mtu, port, group };
  },

  wire({ key, pod: podName, link }) {
    if (link.kind !== "wire") return undefined;
    const { pod, mtu } = link;
    return { kind: "wire", key, pod, mtu, alias: aliasOf(key, podName), freeEnd: freeEndName(key.network) };
  },

  device({ key, link }) {
    if (link.kind !== "device") return undefined;
    const { pod, mtu, former } = link;
    return { kind: "device", pod, mtu, alias: deviceAlias(key, former.name), former };
  },

  bandwidth: bandwidthStep,

  portVlan({ link }) {
    if (link.kind !== "bridgePort" || link.vlans === undefined) return undefined;
    return { kind: "portVlan", hostInterface: link.host.name, ...link.vlans };
  },

  portMac({ link }) {
    if (link.kind !== "bridgePort" || !link.hasFixedMac) return undefined;
    const { bridge, host, pod, vlans } = link;
    const vlan = vlans?.native ?? 0;
    return { kind: "portMac", bridge: bridge.name, hostInterface: host.name, mac: pod.mac, vlan };
  },

  pod(attachment) {
    const { version, link, detectsDuplicates, tuning } = attachment;
    if (!link.pod.isRaised) return undefined;
    const hearsRouters = ({ name }: Sysctl): boolean => /^ipv6\/conf\/.*\/(accept_ra|forwarding)$/.test(name);
    return {
      kind: "pod",
      interfaceName: link.pod.name,
      addresses: prefixesOf(attachment),
      routes: podRoutes(attachment).main,
      subnetsAreOnLink: link.kind !== "routedPair",
      activates: link.kind === "device",
      // Other programs, and releases with records of version 1, left the pod's setting as it was.
      mayHearRouters: version === 1 || tuning?.sysctls.some(hearsRouters) === true,
      detection: detectsDuplicates
        ? { port: link.kind === "bridgePort" ? portOf(link) : undefined }
        : undefined,
    };
  },

  sourceRouting(attachment) {
    const { sourceRouting, addresses, link } = attachment;
    if (!sourceRouting || !link.pod.isRaised || addresses.length === 0) return undefined;
    return {
      kind: "sourceRouting",
      interfaceName: link.pod.name,
      sources: addressesOf(attachment),
      routes: podRoutes(attachment).own,
    };
  },

  tuning({ tuning, link: { pod } }) {
    if (tuning === undefined) return undefined;
    const sysctls = tuning.sysctls.map(({ key, name, value }) => ({
      key,
      name: name.replaceAll(INTERFACE_PLACEHOLDER, pod.name),
      value,
    }));
    return { ...tuning, kind: "tuning", interfaceName: pod.name, sysctls };
  },

  masquerade(attachment) {
    const { masquerade, key, link } = attachment;
    const entry = entryOf(link);
    if (masquerade?.backend !== "nftables" || entry === undefined) return undefined;
    return {
      kind: "masquerade",
      key,
      gatewayInterface: entry,
      subnets: masquerade.subnets,
      addresses: addressesOf(attachment),
    };
  },

  iptablesMasquerade({ masquerade, key, link }) {
    if (masquerade?.backend !== "iptables") return undefined;
    return { kind: "iptablesMasquerade", key, bridge: bridgeOf(link), subnets: masquerade.subnets };
  },

  hostPorts: ({ hostPorts: ports, key }) => ports && { kind: "hostPorts", key, ports },

  hostRoute(attachment) {
    const { key, link, addresses } = attachment;
    if (link.kind !== "routedPair") return undefined;
    return {
      kind: "hostRoute",
      key,
      hostInterface: link.host.name,
      interfaceName: link.pod.name,
      hostMac: link.host.mac,
      podMac: link.pod.mac,
      gateways: eachOnce(gatewaysOf(attachment).map(({ address }) => address)),
      addresses: addressesOf(attachment),
      subnets: addresses.map(subnetOf),
    };
  },

  wireCarrier({ key, pod: podName, link }) {
    if (link.kind !== "wire") return undefined;
    return { kind: "wireCarrier", key, pod: link.pod, alias: aliasOf(key, podName) };
  },

  announce(attachment) {
    const { key, link, gateway } = attachment;
    // A link that stays down cannot announce, and its port cannot forward.
    if (link.kind !== "bridgePort" || !link.pod.isRaised) return undefined;
    return {
      kind: "announce",
      key,
      ...portOf(link),
      interfaceName: link.pod.name,
      mac: link.pod.mac,
      addresses: prefixesOf(attachment),
      goesBeyond: gateway === undefined,
    };
  },
};

/**
 * The link group of the host's end. Where pods share a bridge its name is what rules need, and without a
 * policy no rule asks.
 */
function groupOf({ ingressPolicy, key, link }: Attachment): number | undefined {
  if (ingressPolicy === undefined || bridgeOf(link) !== undefined) return undefined;
  return networkGroup(key.network, ingressPolicy);
}

/** The check of what the pod sends; undefined without one, and where no end of the link is the node's. */
function sourceCheckOf(attachment: Attachment): SourceCheck | undefined {
  if (!attachment.spoofCheck) return undefined;
  const { addressCheck, key, link } = attachment;
  const host = hostEndOf(link);
  if (host === undefined) return undefined;
  return {
    key,
    hostInterface: host.name,
    mac: link.pod.mac,
    addresses: addressCheck && { own: addressesOf(attachment), asksDhcp: addressCheck.asksDhcp },
  };
}

function hasGateway({ gateway, addresses }: Attachment): boolean {
  return gateway !== undefined && addresses.length > 0;
}

/** The gateways as they stand on the node: with the lengths of their subnets. */
function gatewaysOf({ addresses }: Attachment): Prefix[] {
  return addresses.flatMap(({ address, gateway }) =>
    gateway === undefined ? [] : [{ address: gateway, length: address.length }],
  );
}

/** The subnet of an address, as its gateway where that lies inside. */
function subnetOf({ address, gateway }: PodAddress): Prefix {
  const { length } = address;
  return gateway !== undefined && prefixContains(networkOf(address), gateway)
    ? { address: gateway, length }
    : address;
}

function portOf({ bridge, host }: BridgePortLink): BridgePort {
  return { bridge: bridge.name, hostInterface: host.name };
}

function portSettings(
  { bridge, hairpin, isolated, hasFixedMac }: BridgePortLink,
  isChecked: boolean,
): PortSettings {
  const learnsUnchecked = isChecked ? undefined : true;
  return { bridge: bridge.name, hairpin, isolated, learns: hasFixedMac ? false : learnsUnchecked };
}

function eachOnce(addresses: readonly Address[]): Address[] {
  return addresses.filter(
    (address, at) => addresses.findIndex((other) => sameAddress(other, address)) === at,
  );
}
