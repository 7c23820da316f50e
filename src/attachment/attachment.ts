// The description of an attachment: one plain value. An ADD decides it, the record keeps it, and CHECK, DEL,
// GC and restore start from it. src/plan/steps.ts makes the steps of it.
import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { BandwidthConfig } from "../cni/bandwidth.ts";
import type { IngressPolicy, MasqueradeBackend } from "../cni/bridge-config.ts";
import type { Route } from "../cni/result.ts";
import type { TuningConfig } from "../cni/tuning.ts";
import type { VlanRange } from "../cni/vlan.ts";
import type { Address, Family } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { AttachedHostPorts } from "./host-ports.ts";

/**
 * The newest version of the description. A record of version 1 (src/attachment/version-1.ts) knows less; what
 * it lacks CHECK takes from the configuration (completeDescription in src/plan/check.ts).
 */
export const VERSION = 2;

/** Everything that an attachment is made of. What is undefined, or false, was not asked for. */
export interface Attachment {
  version: 1 | typeof VERSION;
  key: AttachmentKey;
  host: HostIdentity;
  namespace: NamespaceIdentity;
  /** `namespace/name` of the Kubernetes pod, where the runtime said it. */
  pod: string | undefined;
  /** The folder of its leases; undefined without built-in IPAM. */
  leaseDirectory: string | undefined;
  link: Link;
  /** The pod's, in the order of the result. */
  addresses: PodAddress[];
  /** The pod's, as the result tells them. */
  routes: Route[];
  /** IPv6 addresses are used when no other interface answered for them (enabledad). */
  detectsDuplicates: boolean;
  /** The node holds the gateway addresses and forwards. */
  gateway: { force: boolean } | undefined;
  /** Packets that leave for other places than `subnets` get the node's address. */
  masquerade: { backend: MasqueradeBackend; subnets: Prefix[] } | undefined;
  /** Frames of the pod with another source MAC than `link.pod.mac` are dropped. */
  spoofCheck: boolean;
  ingressPolicy: IngressPolicy | undefined;
  bandwidth: AttachedBandwidth | undefined;
  /** What the pod sends from its addresses is routed by a table of its own. */
  sourceRouting: boolean;
  tuning: TuningConfig | undefined;
  hostPorts: AttachedHostPorts | undefined;
}

/** What the pod may send and receive. */
export interface AttachedBandwidth extends BandwidthConfig {
  /** The MAC of the device that holds back what the pod sends, where there is one and its MAC is known. */
  ifbMac?: string | undefined;
}

/** How the pod is connected to the node. */
export type Link = BridgePortLink;

/** A veth pair: the host's end is a port of a bridge, the pod's end is born in the pod's namespace. */
export interface BridgePortLink {
  kind: "bridgePort";
  bridge: { name: string; promiscuous: boolean; filtersVlans: boolean };
  /** Where packets of the pod to others come in: the bridge, or for a pod in a VLAN an interface in it. */
  gatewayInterface: string;
  /**
   * `isRaisedFirst`: the host's end comes up before the pod's, since others than Pontoon use or raise that.
   */
  host: { name: string; mac: string; isRaisedFirst: boolean };
  /** `isRaised`: false leaves the pod's end down, for a program in the pod to raise it. */
  pod: { name: string; mac: string; isRaised: boolean };
  /** Bytes; undefined where neither record nor result tell it. */
  mtu: number | undefined;
  hairpin: boolean;
  isolated: boolean;
  /** The VLANs of the port; undefined on a bridge that does not filter. */
  vlans: PortVlans | undefined;
}

/** The VLANs of a bridge port. */
export interface PortVlans {
  /** The VLAN of packets without a tag. */
  native: number;
  /** The VLANs of packets with a tag: apart from each other and in order. `native` may be among them. */
  tagged: VlanRange[];
  /** The port stays in other VLANs that it is in: the bridge's default. */
  keepOthers: boolean;
}

/** An address of the pod. */
export interface PodAddress {
  /** With the length of its subnet. */
  address: Prefix;
  /** Undefined where a foreign IPAM plugin named none. */
  gateway: Address | undefined;
}

/** The host an attachment was made on: one boot, one host namespace (SO_NETNS_COOKIE; inodes are reused). */
export interface HostIdentity {
  bootId: string;
  /** Decimal text: the cookie has 64 bits. */
  hostCookie: string;
}

/** CNI_NETNS as the runtime gave it, and the namespace's cookie in decimal. */
export interface NamespaceIdentity {
  path: string;
  cookie: string;
}

/** True when the two are one boot and one host namespace. */
export function sameHost(a: HostIdentity, b: HostIdentity): boolean {
  return a.bootId === b.bootId && a.hostCookie === b.hostCookie;
}

/** The pod's addresses with their lengths. */
export function prefixesOf({ addresses }: Pick<Attachment, "addresses">): Prefix[] {
  return addresses.map(({ address }) => address);
}

/** The families of these, each once, IPv4 first. */
export function familiesOfPrefixes(prefixes: readonly Prefix[]): Family[] {
  return ([4, 6] as const).filter((family) => prefixes.some(({ address }) => address.family === family));
}
