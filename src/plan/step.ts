// The steps of an attachment, as plain data. src/plan/steps.ts makes them, src/plan/order.ts orders them;
// src/host/kind has one folder for each kind, which does, takes back and verifies it.

import type { FormerDevice } from "../attachment/device.ts";
import type { AttachedHostPorts } from "../attachment/host-ports.ts";
import type { HostEnd, PodInterface, PortVlans } from "../attachment/link.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { IngressPolicy } from "../cni/bridge-config.ts";
import type { Sysctl } from "../cni/tuning.ts";
import type { Address, Family } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";

/** A step: one thing that an attachment is made of. */
export type Step =
  | BridgeStep
  | VlanGatewayStep
  | GatewayStep
  | ForwardingStep
  | IngressPolicyStep
  | SpoofCheckStep
  | NodeSpoofCheckStep
  | ArpCheckStep
  | VethStep
  | DeviceStep
  | BandwidthStep
  | PortVlanStep
  | PortMacStep
  | PodStep
  | SourceRoutingStep
  | TuningStep
  | MasqueradeStep
  | IptablesMasqueradeStep
  | HostPortStep
  | HostRouteStep
  | WireStep
  | WireCarrierStep
  | AnnounceStep;

/** The name of a kind of steps. */
export type StepName = Step["kind"];

/** The step of one kind. */
export type StepOf<Name extends StepName> = Extract<Step, { kind: Name }>;

/** The bridge exists and is up. */
export interface BridgeStep {
  kind: "bridge";
  name: string;
  promiscuous: boolean;
  /** The bridge keeps VLANs apart. */
  filtersVlans: boolean;
  /** The bridge learns no MAC from frames to Ethernet's link-local groups. */
  ignoresLinkLocal: boolean;
}

/** The node has an interface in the VLAN of the network, for the gateway addresses. */
export interface VlanGatewayStep {
  kind: "vlanGateway";
  bridge: string;
  /** `<bridge>.<vlan>` */
  gatewayInterface: string;
  vlan: number;
  keepDefaultVlan: boolean;
}

/** The bridge, or the gateway's interface in the VLAN, holds the gateway addresses. */
export interface GatewayStep {
  kind: "gateway";
  gatewayInterface: string;
  /** The gateway addresses, with the lengths of their subnets. */
  addresses: Prefix[];
  /** The gateway addresses of other pods of the network, which stand in nobody's way. */
  others: Prefix[];
  /** True: addresses that stand in the way may be removed from the interface. */
  force: boolean;
}

/** The node forwards packets of these families. */
export interface ForwardingStep {
  kind: "forwarding";
  families: Family[];
}

/**
 * Packets of the network's pods pass firewalls, and its pods and those of other networks reach each other as
 * the policy says.
 */
export interface IngressPolicyStep {
  kind: "ingressPolicy";
  key: AttachmentKey;
  policy: IngressPolicy;
  /** The bridge that the network's pods are on; undefined: they are on none. */
  bridge: string | undefined;
  /** The interface where the pods' packets to others come in. */
  gatewayInterface: string;
  /**
   * The link group of the interfaces where packets of the network's pods come in, one interface for each pod;
   * undefined: the pods share `gatewayInterface`.
   */
  group: number | undefined;
  /** The families of the pod's addresses. */
  families: Family[];
}

/**
 * Frames that come from the pod with another source MAC address than its own are dropped (macspoofchk), and
 * packets with another source address (ipspoofchk).
 */
export interface SpoofCheckStep extends SourceCheck {
  kind: "spoofCheck";
}

/** What spoofCheck is on a bridge, on a link without one: packets are looked at where they enter the node. */
export interface NodeSpoofCheckStep extends SourceCheck {
  kind: "nodeSpoofCheck";
}

/**
 * What the pod says by ARP on a link without a bridge, with ipspoofchk. Nobody but the node hears it, and the
 * node believes it for that link alone; but all links of the node share one table of neighbours, which a pod
 * could fill.
 */
export interface ArpCheckStep extends SourceCheck {
  kind: "arpCheck";
}

/** What a pod may send, and the host's end by which it does. */
export interface SourceCheck {
  key: AttachmentKey;
  hostInterface: string;
  mac: string;
  /** Undefined: source addresses are not looked at. */
  addresses: SourceAddresses | undefined;
}

/** The addresses that a pod may send from, the link-local one of its MAC aside. */
export interface SourceAddresses {
  /** Empty before a foreign IPAM plugin has named them. */
  own: Address[];
  /** The pod may ask a DHCP server before it has an address. */
  asksDhcp: boolean;
}

/** A veth pair: the host's end is the node's, the pod's end is born inside the pod. */
export interface VethStep {
  kind: "veth";
  host: HostEnd & { alias: string };
  pod: PodInterface;
  /** Bytes; undefined where the MTU is not known: then the two ends are compared with each other. */
  mtu: number | undefined;
  /** The host's end as a port of a bridge; undefined: it is on no bridge. */
  port: PortSettings | undefined;
  /** The link group of the host's end, by which rules know the network; undefined: it is in none. */
  group: number | undefined;
}

/**
 * One end of a veth pair whose other end is in the network's other pod, or parked on the node until there is
 * one.
 */
export interface WireStep {
  kind: "wire";
  key: AttachmentKey;
  pod: PodInterface;
  /** The alias of the pod's end. */
  alias: string;
  /** The name of an end that no pod has, on the node. */
  freeEnd: string;
  /** Bytes; undefined where the MTU is not known: then it is not compared. */
  mtu: number | undefined;
}

/** A device of the node is in the pod. It is given back as it was, and never deleted. */
export interface DeviceStep {
  kind: "device";
  pod: PodInterface;
  /** As in the veth. */
  mtu: number | undefined;
  /** The alias that the device has from the moment that it is taken to the moment that it is given back. */
  alias: string;
  former: FormerDevice;
}

/** The settings of a port of a bridge. */
export interface PortSettings {
  bridge: string;
  hairpin: boolean;
  /** The port and other isolated ports do not reach each other over the bridge. */
  isolated: boolean;
  /**
   * The bridge learns MACs from the port. False: it learns none, and lets no frame from there past the spoof
   * check. Undefined: the record of an earlier release does not tell.
   */
  learns: boolean | undefined;
}

/** The pod's port is in its VLANs. Goes with the veth. */
export interface PortVlanStep extends PortVlans {
  kind: "portVlan";
  hostInterface: string;
}

/**
 * The bridge knows by an entry of its forwarding table that the pod's MAC is behind the port. Goes with the
 * veth.
 */
export interface PortMacStep {
  kind: "portMac";
  bridge: string;
  hostInterface: string;
  mac: string;
  /** The VLAN of the pod's packets without a tag; 0 on a bridge without VLANs. */
  vlan: number;
}

/**
 * The limit of one direction: `rate` bytes in a second, `burst` bytes at once after a pause; `limit` bytes
 * wait, more are dropped.
 */
export interface TokenBucket {
  rate: number;
  burst: number;
  limit: number;
}

/** A device of the host's to which a pod's packets are redirected. */
export interface IfbDevice {
  name: string;
  /** The MAC of the device; undefined where the description lacks it. */
  mac: string | undefined;
  alias: string;
  mtu: number;
}

/** The traffic of the pod is limited. */
export interface BandwidthStep {
  kind: "bandwidth";
  key: AttachmentKey;
  hostInterface: string;
  interfaceName: string;
  /** The limit of packets to the pod. */
  ingress: TokenBucket | undefined;
  /** The limit of packets from the pod. */
  egress: TokenBucket | undefined;
  /** The device where the pod's packets wait; undefined: they wait at the pod's own end. */
  ifb: IfbDevice | undefined;
}

/** A route inside the pod. Without a gateway the destination is on the link itself. */
export interface PodRoute {
  dst: Prefix;
  gateway: Address | undefined;
  /** True: the route names no gateway. `gateway` is the first of its family, and CHECK takes any other. */
  isGatewayAssumed?: boolean | undefined;
  /**
   * True: the gateway lies outside of the pod's own subnets, so the kernel must be told that it is on the
   * link.
   */
  onLink: boolean;
  /** The pod's address for packets that take the route; undefined: the kernel chooses. */
  source?: Address | undefined;
  mtu: number | undefined;
  advmss: number | undefined;
  priority: number | undefined;
  table: number | undefined;
  scope: number | undefined;
}

/** Addresses and routes of the pod's end. Goes with the veth. */
export interface PodStep {
  kind: "pod";
  interfaceName: string;
  addresses: Prefix[];
  routes: PodRoute[];
  /**
   * The kernel makes a route to the subnet of each address. False: the pod has the routes of `routes` alone,
   * and reaches its subnet by the gateway.
   */
  subnetsAreOnLink: boolean;
  /** True: the settings of the pod decide whether its end listens to router advertisements. */
  mayHearRouters: boolean;
  /**
   * The kernel is made to do its pending carrier work, without which the interface sends nothing for a while.
   * False: a later step does that for both ends.
   */
  activates: boolean;
  /** IPv6 addresses are used when no other interface has answered for them; undefined: at once. */
  detection: Detection | undefined;
}

/** The detection of duplicate addresses. */
export interface Detection {
  /** The port that questions have to pass; undefined: the interface is on the network itself. */
  port: BridgePort | undefined;
}

/** The host's end of the veth pair, on its bridge. */
export interface BridgePort {
  bridge: string;
  hostInterface: string;
}

/** Packets from these addresses are routed by a table of the interface's own, with these routes. */
export interface SourceRoutingStep {
  kind: "sourceRouting";
  interfaceName: string;
  sources: Address[];
  routes: PodRoute[];
}

/**
 * Settings inside the pod's namespace. Settings of its interface go with the interface; other sysctls stay
 * until the namespace goes.
 */
export interface TuningStep {
  kind: "tuning";
  interfaceName: string;
  /** In the order in which they are set. */
  sysctls: Sysctl[];
  txQueueLength: number | undefined;
  promiscuous: boolean;
  allMulticast: boolean;
}

/**
 * The pod's addresses are masqueraded when they leave the node, by elements of Pontoon's table of nftables.
 */
export interface MasqueradeStep {
  kind: "masquerade";
  key: AttachmentKey;
  /** The interface where the pod's packets to others come in. */
  gatewayInterface: string;
  /** Subnets that are reached without masquerading. */
  subnets: Prefix[];
  addresses: Address[];
}

/** The network is masqueraded by chains of iptables, which its pods share. */
export interface IptablesMasqueradeStep {
  kind: "iptablesMasquerade";
  key: AttachmentKey;
  /** As in the ingress policy. */
  bridge: string | undefined;
  subnets: Prefix[];
}

/** Ports of the node lead to the pod. */
export interface HostPortStep {
  kind: "hostPorts";
  key: AttachmentKey;
  ports: AttachedHostPorts;
}

/**
 * The node reaches the pod by a link without a bridge: the host's end is up, it holds the gateway addresses,
 * each as a whole address, and the node has a route to each address of the pod. Goes with the veth.
 */
export interface HostRouteStep {
  kind: "hostRoute";
  key: AttachmentKey;
  hostInterface: string;
  interfaceName: string;
  /** The MACs of both ends, of which their link-local IPv6 addresses are made. */
  hostMac: string;
  podMac: string;
  gateways: Address[];
  addresses: Address[];
  /** The subnets of the addresses, each as its gateway where that lies inside, with the length. */
  subnets: Prefix[];
}

/**
 * Both ends of the wire carry packets, the other pod hears of the addresses, and the end has the attachment's
 * name. The first member has nobody yet to tell.
 */
export interface WireCarrierStep {
  kind: "wireCarrier";
  key: AttachmentKey;
  pod: PodInterface;
  /** As in the wire: the end gets it last of all. */
  alias: string;
}

/**
 * The port forwards, the addresses answer, and neighbours that knew an older owner of an address have heard
 * of the new one.
 */
export interface AnnounceStep extends BridgePort {
  kind: "announce";
  key: AttachmentKey;
  interfaceName: string;
  mac: string;
  addresses: Prefix[];
  /** True: the network goes on behind the bridge, where switches learn by frames. */
  goesBeyond: boolean;
}
