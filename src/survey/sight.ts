// The node as an attachment would find it: what its description depends on. Nothing is changed, and no root
// is needed.
import type { FormerDevice } from "../attachment/device.ts";
import type { Netconf } from "../cni/config.ts";
import { freeDevice } from "../look/device.ts";
import { observeLink } from "../look/observed.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { NETLINK_ROUTE } from "../netlink/uapi/netlink.ts";
import type { FilteredFamilies } from "../plan/host-port.ts";

/** The facts about the node. */
export interface Sight {
  /** Bytes: the MTU of the bridge, or that of a new one. */
  bridgeMtu: number;
  /** Bytes: the largest MTU of the pod's link. */
  mtu: number;
  isFiltered: FilteredFamilies;
  /** The device that a pod would get; undefined for other ways of attaching. */
  device: FormerDevice | undefined;
}

/** Looks at the node. Throws CniError for a device that is not there or must stay, and SystemError. */
export function lookFor(netconf: Netconf): Sight {
  using links = NetlinkSocket.open(NETLINK_ROUTE);
  const { bridge, isFiltered } = observeLink(netconf, links);
  const device = netconf.device && freeDevice(netconf.device, links);
  return { bridgeMtu: bridge.mtu, mtu: bridge.portMtu, isFiltered, device };
}
