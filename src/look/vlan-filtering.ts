// Whether a bridge keeps VLANs apart. One that does not would take all settings of its ports, and keep
// nothing apart.
import { getVlanFiltering } from "../net/bridge-vlan.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { isErrno, type SystemError } from "../sys/errno.ts";

/** What helps on a kernel that cannot filter by VLANs. */
export const OTHER_KERNEL =
  "Use a kernel that was built with CONFIG_BRIDGE_VLAN_FILTERING, or take vlan and vlanTrunk out of the configuration";

/**
 * What helps when a request that has to do with VLANs is refused. A kernel without bridges at all says so in
 * its text.
 */
export function vlanHint(error: SystemError): string | undefined {
  return isErrno(error, "EOPNOTSUPP") && error.kernelText !== "Unknown device type"
    ? OTHER_KERNEL
    : undefined;
}

/** What is wrong with the bridge's filtering, or undefined. */
export function verifyVlanFiltering(bridge: string, links: NetlinkSocket): string | undefined {
  return getVlanFiltering(links, { name: bridge }) === "on"
    ? undefined
    : `bridge ${bridge} does not filter by VLANs`;
}
