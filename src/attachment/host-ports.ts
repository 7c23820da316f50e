// Host ports in the description of an attachment: with the pod's addresses, as text, as the record keeps
// them.

/** The node's ports that lead to a pod. */
export interface AttachedHostPorts {
  mappings: AttachedPortMapping[];
  /** Ports of the mappings that stay with processes of the node; undefined: none. */
  kept?: KeptPort[] | undefined;
  /**
   * The connections that get the node's address on the way to the pod: none, those that would get no answer
   * otherwise, or all.
   */
  masquerade: "none" | "own" | "all";
  /** The subnets with pods that would get no answer otherwise. */
  subnets: string[];
  markBit: number;
  /** The interface that packets from the node to the pod leave by. */
  gatewayInterface: string;
  /** True: the pod's bridge port has hairpin mode, so that the pod can reach its own host ports. */
  hairpin: boolean;
  /** True: Pontoon also takes ports on which a process of the node listens. */
  allowListening?: boolean | undefined;
  /** True: a chain in iptables tells other programs of these ports. */
  iptablesChains?: boolean | undefined;
  /**
   * Conditions that connections over IPv4 (over IPv6 below) must meet; undefined: all connections reach the
   * pod.
   */
  conditions4?: AttachedCondition[] | undefined;
  conditions6?: AttachedCondition[] | undefined;
}

/** A port of a loopback address on which a process of the node listens: connections to it stay there. */
export interface KeptPort {
  protocol: AttachedPortMapping["protocol"];
  /** An address in 127.0.0.0/8. */
  address: string;
  port: number;
}

/**
 * A test of a packet's source subnet, destination subnet or incoming interface; with `not` the test must
 * fail. A star at the end of an interface name stands for any ending.
 */
export interface AttachedCondition {
  field: "saddr" | "daddr" | "iifname";
  not: boolean;
  value: string;
}

/** A range of ports of the node that lead to a range of ports of the pod, of equal length. */
export interface AttachedPortMapping {
  protocol: "tcp" | "udp" | "sctp";
  /** The node's address; undefined: all addresses of the node in the family of `address`. */
  hostAddress?: string | undefined;
  hostPort: number;
  hostPortEnd: number;
  containerPort: number;
  /** The address of the pod. */
  address: string;
}
