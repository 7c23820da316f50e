// The steps that an attachment is made of, as plain data. src/host/steps/ does, undoes and verifies each
// kind.

import type { IngressPolicy, MasqueradeBackend } from "../cni/bridge-config.ts";
import type { VlanRange } from "../cni/vlan.ts";
import type { Address, Family } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { RecordedHostPorts } from "../record/attachment.ts";

export type Step =
  | BridgeStep
  | VlanGatewayStep
  | GatewayStep
  | ForwardingStep
  | IngressPolicyStep
  | SpoofCheckStep
  | VethStep
  | PortVlanStep
  | BandwidthStep
  | PodStep
  | SourceRoutingStep
  | TuningStep
  | MasqueradeStep
  | HostPortStep
  | AnnounceStep;

/** The bridge exists and is up. Shared: never undone. */
export interface BridgeStep {
  kind: "bridge";
  name: string;
  /** Used when the bridge has to be made; then also pinned. */
  mac: string;
  mtu: number;
  promiscuous: boolean;
  /** The bridge keeps VLANs apart. */
  vlanFiltering: boolean;
  /**
   * The bridge says that the MAC of each pod that it ever had follows its IPv4 addresses. One that is found
   * may stop saying so and never starts.
   */
  macsFollow: boolean;
  /** The bridge as it was a moment ago; undefined: it has to be made, or its making has to be finished. */
  found: FoundBridge | undefined;
}

export interface FoundBridge {
  index: number;
  up: boolean;
  promiscuous: boolean;
  macsFollow: boolean;
}

/**
 * For a network in a VLAN there is an interface of the node in it, which gets the gateway addresses. Shared:
 * never undone.
 */
export interface VlanGatewayStep {
  kind: "vlanGateway";
  bridge: string;
  /** `<bridge>.<vlan>` */
  name: string;
  vlan: number;
  keepDefaultVlan: boolean;
}

/** The bridge holds the gateway addresses. Shared: never undone. */
export interface GatewayStep {
  kind: "gateway";
  /** For a network in a VLAN the gateway's interface there. */
  bridge: string;
  addresses: Prefix[];
  /** Addresses that stand in the way may be taken off the bridge. */
  force: boolean;
}

/** The node forwards packets of these families. Shared: never undone. */
export interface ForwardingStep {
  kind: "forwarding";
  families: Family[];
}

/**
 * Packets of the network's pods are let through firewalls, and its pods and those of others reach each other
 * as the policy says.
 */
export interface IngressPolicyStep {
  kind: "ingressPolicy";
  policy: IngressPolicy;
  network: string;
  /** Digest of the attachment. */
  owner: string;
  bridge: string;
  /**
   * Where the pods' packets to others come in: the bridge, or for a network in a VLAN the gateway's interface
   * there.
   */
  interfaceName: string;
  /** Those of the pod's addresses. */
  families: Family[];
}

/** Frames that come from the pod with another source MAC address than its own are dropped (macspoofchk). */
export interface SpoofCheckStep {
  kind: "spoofCheck";
  network: string;
  /** Digest of the attachment: the owner of its set elements. */
  owner: string;
  /** For people who list the rules. */
  label: string;
  hostInterface: string;
  mac: string;
}

/** A veth pair: one end a port of the bridge, the other born inside the pod. */
export interface VethStep {
  kind: "veth";
  bridge: string;
  host: { name: string; mac: string; alias: string };
  pod: { name: string; mac: string };
  mtu: number;
  hairpin: boolean;
  /** False: the pod's end is left down, and whoever in the pod wants it raises it. */
  raised: boolean;
  /**
   * The host's end comes up at once, because others raise the pod's end before we do (dhcp sends by it), or
   * instead. Else it comes up last of all.
   */
  hostRaised: boolean;
  /** Its port and others that are isolated do not reach each other over the bridge. */
  isolated: boolean;
}

/** Which VLANs a bridge port is in. */
export interface PortVlans {
  /** That of packets without a tag. */
  native: number;
  /** Those of packets with a tag: apart from each other and in order. `native` may be among them. */
  tagged: VlanRange[];
  /** The port stays in others that it is in: the bridge's default. */
  keepOthers: boolean;
}

/** The pod's port is in its VLANs. Goes with the veth. */
export interface PortVlanStep extends PortVlans {
  kind: "portVlan";
  hostInterface: string;
}

/**
 * What may pass in one direction: `rate` bytes in a second, `burst` bytes at once after a pause; `limit`
 * bytes wait, more are dropped.
 */
export interface TokenBucket {
  rate: number;
  burst: number;
  limit: number;
}

/** A device of the host's through which a pod's packets are led. */
export interface IfbDevice {
  name: string;
  mac: string;
  alias: string;
  mtu: number;
}

/** The pod sends and receives no more than it may. */
export interface BandwidthStep {
  kind: "bandwidth";
  hostInterface: string;
  interfaceName: string;
  /** To the pod. */
  ingress: TokenBucket | undefined;
  /** From the pod. */
  egress: TokenBucket | undefined;
  /** Where what the pod sends is held back; undefined: at the pod's own end. */
  ifb: IfbDevice | undefined;
}

/** A route inside the pod. Without a gateway the destination is on the link itself. */
export interface PodRoute {
  dst: Prefix;
  gateway: Address | undefined;
  /** The gateway lies outside of the pod's own subnets, so the kernel must be told that it is on the link. */
  onLink: boolean;
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
   * Where the port is that IPv6 duplicate address detection has to go through; undefined: addresses are used
   * at once.
   */
  detectThrough: BridgePort | undefined;
}

/** The host's end of the veth pair, on its bridge. */
export interface BridgePort {
  bridge: string;
  hostInterface: string;
}

/**
 * What the pod sends from these addresses is routed by a table of the interface's own, whose routes these
 * are.
 */
export interface SourceRoutingStep {
  kind: "sourceRouting";
  interfaceName: string;
  sources: Address[];
  routes: PodRoute[];
}

/**
 * Settings inside the pod's namespace. What belongs to its interface goes with that; other sysctls stay until
 * the namespace goes.
 */
export interface TuningStep {
  kind: "tuning";
  interfaceName: string;
  /** Names are below /proc/sys/net, with slashes; `key` is what the configuration calls it. */
  sysctls: { key: string; name: string; value: string }[];
  txQueueLength: number | undefined;
  promiscuous: boolean;
  allMulticast: boolean;
  /** Filled while it is done: what undoing puts back. A value of undefined was not changed. */
  former: { name: string; value: string | undefined }[];
}

/** The pod's addresses are masqueraded when they leave the node. */
export interface MasqueradeStep {
  kind: "masquerade";
  backend: MasqueradeBackend;
  network: string;
  /** Digest of the attachment: the owner of its map elements. */
  owner: string;
  /** For people who list the rules. */
  label: string;
  /**
   * Where the pod's packets to others come in: the bridge, or for a network in a VLAN the gateway's interface
   * there.
   */
  bridge: string;
  subnets: Prefix[];
  addresses: Address[];
}

/** Ports of the node lead to the pod. */
export interface HostPortStep {
  kind: "hostPorts";
  network: string;
  /** Digest of the attachment: the owner of its map elements. */
  owner: string;
  /** For people who list the rules. */
  label: string;
  ports: RecordedHostPorts;
  /** Ports on which a process of the node listens are taken all the same. */
  allowListening: boolean;
}

/**
 * The port forwards, the addresses answer, and neighbours that knew an older owner of an address have heard
 * of the new one.
 */
export interface AnnounceStep extends BridgePort {
  kind: "announce";
  interfaceName: string;
  mac: string;
  addresses: Prefix[];
  /** As far as the plan knows, everybody who knows one of the IPv4 addresses knows it by this MAC. */
  macFollows: boolean;
  /** The network goes on behind the bridge, where switches learn by frames. */
  goesBeyond: boolean;
}
