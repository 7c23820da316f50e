// The node as an ADD sees it before it decides anything. Looking changes nothing: a test compares the kernel
// before and after.
import type { Way } from "../cni/attach.ts";
import type { Netconf } from "../cni/config.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import type { FilteredFamilies } from "../plan/host-port.ts";
import type { PortListener } from "../plan/listener.ts";
import { type ObservedBridge, observeBridge, observeWayOut, withoutNode } from "./bridge.ts";
import { observeListeners } from "./listener.ts";
import { observeFilter } from "./packet-filter.ts";

/** The observations of an ADD. */
export interface Observed {
  bridge: ObservedBridge;
  /** The families in which the packet filter sees bridged packets, where that makes a difference. */
  isFiltered: FilteredFamilies;
  /** The listeners on host ports that are asked for. */
  listeners: PortListener[];
}

/** What is looked at before a link of each way. */
const OBSERVERS: { readonly [Each in Way]: (netconf: Netconf, links: NetlinkSocket) => ObservedBridge } = {
  bridge: observeBridge,
  ptp: observeWayOut,
  wire: withoutNode,
  device: withoutNode,
};

/**
 * Looks at the node. Throws SystemError, and CniError for a link that has the bridge's name and is no bridge.
 */
export function observe(netconf: Netconf, links: NetlinkSocket): Observed {
  return { ...observeLink(netconf, links), listeners: observeListeners(netconf.hostPorts) };
}

/** Looks at what a link of the network depends on. Throws as {@link observe}. */
export function observeLink(netconf: Netconf, links: NetlinkSocket): Omit<Observed, "listeners"> {
  return { bridge: OBSERVERS[netconf.attach](netconf, links), isFiltered: observeFilter(netconf) };
}
