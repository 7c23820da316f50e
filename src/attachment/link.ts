// The ways in which a pod is connected (key `attach`): one member of `Link` for each. A link is decided with
// the attachment and stays so for its life.
import type { VlanRange } from "../cni/vlan.ts";
import type { FormerDevice } from "./device.ts";

/** The connection of the pod. */
export type Link = BridgePortLink | RoutedPairLink | WireLink | DeviceLink;

/** The end of a veth pair on the node. */
export interface HostEnd {
  name: string;
  mac: string;
  /**
   * The host's end comes up before the pod's end, which a program other than Pontoon raises or sends by
   * before Pontoon raises it.
   */
  isRaisedFirst: boolean;
}

/** The pod's interface. */
export interface PodInterface {
  name: string;
  mac: string;
  /** False leaves the interface down, for a program in the pod to raise it. */
  isRaised: boolean;
}

/** What every link has: its end in the pod. */
interface PodLink {
  pod: PodInterface;
  /** Bytes, in the pod; undefined where neither record nor result tell it. */
  mtu: number | undefined;
}

/** A veth pair of which one end is the node's: the pod's end is born in the pod's namespace. */
interface NodePair extends PodLink {
  host: HostEnd;
}

/** A veth pair whose host's end is a port of a bridge. */
export interface BridgePortLink extends NodePair {
  kind: "bridgePort";
  bridge: { name: string; promiscuous: boolean; filtersVlans: boolean };
  /** The interface where packets of the pod to others come in: the bridge, or in a VLAN that of the VLAN. */
  gatewayInterface: string;
  hairpin: boolean;
  isolated: boolean;
  /** The bridge learns no MAC from the port, and knows the pod's MAC by an entry that stays. */
  hasFixedMac: boolean;
  /** The VLANs of the port; undefined on a bridge that does not filter. */
  vlans: PortVlans | undefined;
}

/** A veth pair between pod and node without a bridge: the node has a route to each address of the pod. */
export interface RoutedPairLink extends NodePair {
  kind: "routedPair";
}

/**
 * A veth pair that joins the only two attachments of a network directly. While one of the two is missing, its
 * end is parked on the node (src/attachment/wire.ts).
 */
export interface WireLink extends PodLink {
  kind: "wire";
}

/** A device of the node that is moved into the pod and given back. It is never deleted. */
export interface DeviceLink extends PodLink {
  kind: "device";
  former: FormerDevice;
}

/** The VLANs of a bridge port. */
export interface PortVlans {
  /** The VLAN of packets without a tag. */
  native: number;
  /** The VLANs of packets with a tag: apart from each other and in order. `native` may be among them. */
  tagged: VlanRange[];
  /** True: the port also stays in VLANs that are not named here, such as the bridge's default VLAN. */
  keepOthers: boolean;
}

/** The end of the link on the node; undefined for a link that has none there. */
export function hostEndOf(link: Link): HostEnd | undefined {
  return "host" in link ? link.host : undefined;
}

/** The interface of the node where packets of the pod to others come in; undefined: they come in by none. */
export function entryOf(link: Link): string | undefined {
  return link.kind === "bridgePort" ? link.gatewayInterface : hostEndOf(link)?.name;
}

/** True for the port of a bridge that learns no MAC from it. */
export function hasFixedMac(link: Link): boolean {
  return link.kind === "bridgePort" && link.hasFixedMac;
}

/** The bridge that the pod is on; undefined for a link without one. */
export function bridgeOf(link: Link): string | undefined {
  return link.kind === "bridgePort" ? link.bridge.name : undefined;
}
