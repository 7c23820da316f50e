// What is known about an attachment, so that DEL, GC and the tools need nobody's memory.

/** The key of everything that Pontoon keeps (CNI specification 1.1.0: network name, CNI_CONTAINERID, CNI_IFNAME). */
export interface AttachmentKey {
  network: string;
  containerId: string;
  interfaceName: string;
}

/** The host an attachment was made on: one boot, one host namespace (SO_NETNS_COOKIE; inode numbers are reused at once). */
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
 * An attachment on disk, version 1. Written whole before the kernel is touched; nothing in it changes after, but that what a
 * foreign IPAM plugin gives is added when it has given it.
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
  /** Subnets that are reached without masquerading; undefined: nothing is masqueraded. Lets lost rules be made again. */
  masqueradeSubnets?: string[] | undefined;
  /** True: frames with another source MAC than `mac` are dropped. */
  spoofCheck?: boolean | undefined;
  /** True: the pod has rules that lead packets from its addresses to a table of its own. */
  sourceRouting?: boolean | undefined;
  /** What may pass to the pod and from it, in bit/s and bits. */
  bandwidth?: { ingress?: RecordedLimit | undefined; egress?: RecordedLimit | undefined; egressInPod: boolean } | undefined;
}
