// What is known about an attachment, so that DEL, GC and the tools need nobody's memory.

/**
 * The key of everything that Pontoon keeps (CNI specification 1.1.0: network name, CNI_CONTAINERID,
 * CNI_IFNAME).
 */
export interface AttachmentKey {
  network: string;
  containerId: string;
  interfaceName: string;
}

/**
 * The host an attachment was made on: one boot, one host namespace (SO_NETNS_COOKIE; inode numbers are reused
 * at once).
 */
export interface HostIdentity {
  bootId: string;
  /** Decimal text: the cookie has 64 bits. */
  hostCookie: string;
}

export interface RecordedLimit {
  rate: number;
  burst: number;
}

/**
 * An attachment on disk, version 1. Written whole before the kernel is touched; nothing in it changes after,
 * but that what a foreign IPAM plugin gives is added when it has given it.
 */
export interface AttachmentRecord {
  version: 1;
  key: AttachmentKey;
  host: HostIdentity;
  /** CNI_NETNS as the runtime gave it, and the namespace's cookie (decimal text). */
  namespace: { path: string; cookie: string };
  /** Where the leases are; undefined without built-in IPAM, whose leases alone are ours. */
  leaseDirectory?: string | undefined;
  bridge: string;
  /** Where packets of a pod in a VLAN come in when they go to others; undefined: the bridge. */
  gatewayInterface?: string | undefined;
  hostInterface: string;
  hostMac: string;
  mac: string;
  mtu: number;
  /** With prefix length, as in the result. */
  addresses: string[];
  /** Destinations of the routes that a foreign IPAM plugin gave. */
  foreignRoutes?: string[] | undefined;
  /** `namespace/name` of a Kubernetes pod, where the runtime said it. */
  pod?: string | undefined;
  /**
   * Subnets that are reached without masquerading; undefined: nothing is masqueraded. Lets lost rules be made
   * again.
   */
  masqueradeSubnets?: string[] | undefined;
  /** Who masquerades; undefined: a table of ours in nftables. */
  masqueradeBackend?: "iptables" | undefined;
  /** True: frames with another source MAC than `mac` are dropped. */
  spoofCheck?: boolean | undefined;
  /** Undefined: none was asked for. */
  ingressPolicy?: "open" | "same-bridge" | "isolated" | undefined;
  /** True: the pod has rules that lead packets from its addresses to a table of its own. */
  sourceRouting?: boolean | undefined;
  /** What may pass to the pod and from it, in bit/s and bits. */
  bandwidth?:
    | { ingress?: RecordedLimit | undefined; egress?: RecordedLimit | undefined; egressInPod: boolean }
    | undefined;
  /**
   * The node's ports that lead to the pod; undefined: none. Lets lost rules be made again, and known ones be
   * found.
   */
  hostPorts?: RecordedHostPorts | undefined;
}

export interface RecordedHostPorts {
  mappings: RecordedPortMapping[];
  /**
   * Which sources get the node's address on the way to the pod: none, those that would get no answer
   * otherwise, or all.
   */
  masquerade: "none" | "own" | "all";
  /** The subnets whose pods would get no answer otherwise. */
  subnets: string[];
  markBit: number;
  /** The interface that packets from the node to the pod leave by. */
  gatewayInterface: string;
  /** The pod's port of the bridge was given hairpin mode for the pod's way to itself. */
  hairpin: boolean;
  /** True: there is a chain in iptables by which other programs know of these ports. */
  iptablesChains?: boolean | undefined;
  /** What connections over IPv4, over IPv6, have to be like; undefined: anything is led to the pod. */
  conditions4?: RecordedCondition[] | undefined;
  conditions6?: RecordedCondition[] | undefined;
}

/**
 * A packet's source or destination is in a subnet, or it came in by an interface (a star stands for any end
 * of its name); with `not` it must not.
 */
export interface RecordedCondition {
  field: "saddr" | "daddr" | "iifname";
  not: boolean;
  value: string;
}

/** Ports of the node, in a row, that lead to ports of the pod, in a row as long. */
export interface RecordedPortMapping {
  protocol: "tcp" | "udp" | "sctp";
  /** Undefined: all addresses of the node, of the family of `address`. */
  hostAddress?: string | undefined;
  hostPort: number;
  hostPortEnd: number;
  containerPort: number;
  /** The pod's. */
  address: string;
}
