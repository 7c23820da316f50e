// A picture of a node's network as one plain value. Both forms, text and SVG, are made from it and show the
// same. All texts in it may be shown as they are (shown() in src/terminal/terminal.ts).

/** The node and all that hangs on it. */
export interface Scene {
  /** The node's name. */
  node: string;
  /** The interfaces by which packets leave the node for the world; none without a default route. */
  ways: Way[];
  /** Sentences without a full stop about what the node does with packets of others: it forwards, it drops. */
  forwarding: string[];
  /** The networks whose packets leave with the node's address. */
  masquerades: Masquerade[];
  /** The node's ports that lead to pods. */
  hostPorts: HostPort[];
  segments: Segment[];
  /** The interfaces of the node that are nowhere else in the picture. */
  interfaces: Interface[];
  /** Sentences without a full stop about what is wrong with the node itself. */
  problems: string[];
}

/** An interface of the node. */
export interface Interface {
  name: string;
  /** The kind of the link, and what it stands on: `vlan on eth0`; empty for hardware. */
  kind: string;
  /** With the lengths of their subnets. */
  addresses: string[];
  /** Bytes. */
  mtu: number;
  isUp: boolean;
  problems: string[];
}

/** An interface by which packets leave the node for the world. */
export interface Way extends Interface {
  /** The next routers. */
  gateways: string[];
}

/** A network whose packets leave with the node's address. */
export interface Masquerade {
  network: string;
  /** The node's addresses that they get, as far as the routes tell them. */
  as: string[];
}

/** A port of the node that leads to a pod. */
export interface HostPort {
  /** `8080->80/tcp` */
  mapping: string;
  pod: string;
}

/**
 * Pods that are connected by the same thing. `bridge`: ports of a bridge. `ptp`: a veth pair for each pod,
 * and the node routes. `wire`: two pods at the two ends of one veth pair. `device`: devices of the node in
 * pods. `pair`: veth pairs of others that are on no bridge. `nothing`: leases that nobody uses.
 */
export type SegmentKind = "bridge" | "ptp" | "wire" | "device" | "pair" | "nothing";

/** A bridge, or another thing, with the pods that are connected by it. */
export interface Segment {
  kind: SegmentKind;
  /** `bridge cni0`, `point to point`… */
  title: string;
  /** With the lengths of their subnets. */
  addresses: string[];
  /** Short facts: `mtu 1500`, `down`. */
  facts: string[];
  /** The networks with pods here, in the order of the pods. */
  networks: Network[];
  /** Sentences without a full stop. */
  problems: string[];
}

/** True for a segment whose pods the node reaches by its own interfaces. */
export function isReached({ kind }: Segment): boolean {
  return kind === "bridge" || kind === "ptp" || kind === "pair";
}

/**
 * True for a segment whose head is drawn in red: something is wrong with it, or with all pods of a network on
 * it.
 */
export function isWrongHead({ problems, networks }: Segment): boolean {
  return problems.length > 0 || networks.some((network) => network.problems.length > 0);
}

/** The pods of a network on a segment. */
export interface Network {
  /** Empty for what belongs to no network. */
  name: string;
  /** Short facts: `policy open`. */
  facts: string[];
  pods: Pod[];
  /** Sentences without a full stop about all of its pods here. */
  problems: string[];
}

/**
 * The state of a pod's connection. `starting`: its ADD is under way. `wrong`: something is broken. `odd`: it
 * is left over from something. `foreign`: another program made it. `free`: the end of a wire without a pod.
 */
export type PodState = "ok" | "starting" | "wrong" | "odd" | "foreign" | "free";

/** A connection of a pod, a namespace or a container. */
export interface Pod {
  name: string;
  /** The container's id; empty where it is not known. */
  id: string;
  /** The interface in its namespace; empty where it is not known. */
  interface: string;
  /** Without the lengths of their subnets. */
  addresses: string[];
  /**
   * The interface on the node: the host's end of the pair, or the former name of a device; empty for none.
   */
  hostEnd: string;
  /** The node's ports that lead here: `8080->80/tcp`. */
  hostPorts: string[];
  /** Short facts: `also net1`, `100 Mbit/s in`. */
  facts: string[];
  state: PodState;
  /** Sentences without a full stop. */
  problems: string[];
}
