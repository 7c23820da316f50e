// The check whether a bridge keeps VLANs apart. A bridge without filtering takes all settings of its ports,
// and ignores them.
import { getVlanFiltering } from "../net/bridge-vlan.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { isErrno, type SystemError } from "../sys/errno.ts";

/** The hint for a kernel that cannot filter by VLANs. */
export const OTHER_KERNEL =
  "Use a kernel that was built with CONFIG_BRIDGE_VLAN_FILTERING, or take vlan and vlanTrunk out of the configuration";

/** The hint for a refused request about VLANs. A kernel without any bridges says so in its text. */
export function vlanHint(error: SystemError): string | undefined {
  return isErrno(error, "EOPNOTSUPP") && error.kernelText !== "Unknown device type"
    ? OTHER_KERNEL
    : undefined;
}

/** The problem with the bridge's filtering as a sentence; undefined when there is none. */
export function verifyVlanFiltering(bridge: string, links: NetlinkSocket): string | undefined {
  return getVlanFiltering(links, { name: bridge }) === "on"
    ? undefined
    : `bridge ${bridge} does not filter by VLANs`;
}
