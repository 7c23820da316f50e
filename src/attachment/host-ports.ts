// Host ports in the description of an attachment: with the pod's addresses, as text, as the record keeps
// them.

/** The node's ports that lead to a pod. */
export interface AttachedHostPorts {
  mappings: AttachedPortMapping[];
  /**
   * Which sources get the node's address on the way to the pod: none, those that would get no answer, all.
   */
  masquerade: "none" | "own" | "all";
  /** The subnets whose pods would get no answer otherwise. */
  subnets: string[];
  markBit: number;
  /** The interface that packets from the node to the pod leave by. */
  gatewayInterface: string;
  /** The pod's port of the bridge was given hairpin mode for the pod's way to itself. */
  hairpin: boolean;
  /** Ports on which a process of the node listens are taken all the same. */
  allowListening?: boolean | undefined;
  /** True: there is a chain in iptables by which other programs know of these ports. */
  iptablesChains?: boolean | undefined;
  /** What connections over IPv4, over IPv6, have to be like; undefined: anything is led to the pod. */
  conditions4?: AttachedCondition[] | undefined;
  conditions6?: AttachedCondition[] | undefined;
}

/**
 * A packet's source or destination is in a subnet, or it came in by an interface (a star stands for any end
 * of its name); with `not` it must not.
 */
export interface AttachedCondition {
  field: "saddr" | "daddr" | "iifname";
  not: boolean;
  value: string;
}

/** Ports of the node, in a row, that lead to ports of the pod, in a row as long. */
export interface AttachedPortMapping {
  protocol: "tcp" | "udp" | "sctp";
  /** Undefined: all addresses of the node, of the family of `address`. */
  hostAddress?: string | undefined;
  hostPort: number;
  hostPortEnd: number;
  containerPort: number;
  /** The pod's. */
  address: string;
}
