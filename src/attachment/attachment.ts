// The description of an attachment: one plain value. An ADD decides it, the record keeps it, and CHECK, DEL,
// GC and restore start from it. src/plan/steps.ts makes the steps of it.
import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { BandwidthConfig } from "../cni/bandwidth.ts";
import type { IngressPolicy, MasqueradeBackend } from "../cni/bridge-config.ts";
import type { Route } from "../cni/result.ts";
import type { TuningConfig } from "../cni/tuning.ts";
import type { Address, Family } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { AttachedHostPorts } from "./host-ports.ts";
import type { Link } from "./link.ts";

/**
 * The newest version of the description. Records of version 1 (src/attachment/version-1.ts) lack some
 * fields; CHECK takes these from the configuration (completeDescription in src/plan/check.ts). The number
 * goes up when an executable of this version would misread a record, and not for a field that may be absent.
 */
export const VERSION = 2;

/** Everything that an attachment is made of. A field that is undefined or false was not asked for. */
export interface Attachment {
  version: 1 | typeof VERSION;
  key: AttachmentKey;
  host: HostIdentity;
  namespace: NamespaceIdentity;
  /** `namespace/name` of the Kubernetes pod, where the runtime said it. */
  pod: string | undefined;
  /** The folder of the attachment's leases; undefined without built-in IPAM. */
  leaseDirectory: string | undefined;
  /** The way in which the pod is connected. All other features stand beside it. */
  link: Link;
  /** The addresses of the pod, in the order of the result. */
  addresses: PodAddress[];
  /** The routes of the pod, as the result tells them. */
  routes: Route[];
  /** IPv6 addresses are used when no other interface answered for them (enabledad). */
  detectsDuplicates: boolean;
  /** The node holds the gateway addresses and forwards. */
  gateway: AttachedGateway | undefined;
  /** Packets that leave for other places than `subnets` get the node's address. */
  masquerade: { backend: MasqueradeBackend; subnets: Prefix[] } | undefined;
  /** Frames of the pod with another source MAC than `link.pod.mac` are dropped. */
  spoofCheck: boolean;
  /** Only together with `spoofCheck`: so are packets with another source address than the pod's. */
  addressCheck: AddressCheck | undefined;
  ingressPolicy: IngressPolicy | undefined;
  bandwidth: AttachedBandwidth | undefined;
  /** Packets from the pod's addresses are routed by a table of their own. */
  sourceRouting: boolean;
  tuning: TuningConfig | undefined;
  hostPorts: AttachedHostPorts | undefined;
}

/** The node as the gateway of the network's pods. */
export interface AttachedGateway {
  /** True: addresses of the bridge that stand in the way of the gateway addresses may be removed. */
  force: boolean;
  /**
   * The gateway addresses of the network's other ranges, with the lengths of their subnets: other pods use
   * them. Absent where there are none.
   */
  ofOtherRanges?: Prefix[] | undefined;
}

/** The check of a pod's source addresses (ipspoofchk). */
export interface AddressCheck {
  /** The pod may ask a DHCP server before it has an address. */
  asksDhcp: boolean;
}

/** The limits of bandwidth of a pod. */
export interface AttachedBandwidth extends BandwidthConfig {
  /** The MAC of the ifb that shapes the pod's outgoing traffic; undefined without one, or if not known. */
  ifbMac?: string | undefined;
}

/** An address of the pod. */
export interface PodAddress {
  /** The address with the length of its subnet. */
  address: Prefix;
  /** The gateway of the subnet; undefined where a foreign IPAM plugin named none. */
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

/** The pod's addresses without their lengths. */
export function addressesOf({ addresses }: Pick<Attachment, "addresses">): Address[] {
  return addresses.map(({ address }) => address.address);
}

/** The address families of the prefixes, each once, IPv4 first. */
export function familiesOfPrefixes(prefixes: readonly Prefix[]): Family[] {
  return ([4, 6] as const).filter((family) => prefixes.some(({ address }) => address.family === family));
}
