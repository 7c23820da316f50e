// What an ADD looks at before it decides anything. Looking changes nothing: a test compares the kernel before
// and after.
import type { Netconf } from "../cni/config.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import type { FilteredFamilies } from "../plan/host-port.ts";
import { type ObservedBridge, observeBridge } from "./bridge.ts";
import { observeFilter } from "./packet-filter.ts";

/** What was seen of the node. */
export interface Observed {
  bridge: ObservedBridge;
  /** The families in which the packet filter sees what goes over bridges, where that makes a difference. */
  isFiltered: FilteredFamilies;
}

/** Looks at the node. Throws CniError for a link that has the bridge's name and is no bridge. */
export function observe(netconf: Netconf, links: NetlinkSocket): Observed {
  return { bridge: observeBridge(netconf, links), isFiltered: observeFilter(netconf) };
}
