// A bridge that keeps VLANs apart. It is made before an address is reserved, since only its creation shows
// whether the kernel can filter.
import { randomMac } from "../../../attachment/mac.ts";
import { CniError } from "../../../cni/error.ts";
import { attempt } from "../../../failure/failure.ts";
import { OTHER_KERNEL, vlanHint } from "../../../look/vlan-filtering.ts";
import { getVlanFiltering } from "../../../net/bridge-vlan.ts";
import { createBridgeMessage } from "../../../net/link-change.ts";
import { isErrno } from "../../../sys/errno.ts";
import type { Node } from "../../node.ts";

/**
 * Makes sure that there is a bridge of that name that filters by VLANs; a new bridge is still down. Throws
 * CniError.
 */
export function ensureFilteringBridge(bridge: string, node: Node): void {
  const make = (): void => {
    const message = createBridgeMessage({ name: bridge, mac: randomMac(), vlanFiltering: true });
    const [outcome] = node.links.transact([message]);
    if (outcome?.error === undefined) return;
    if (!isErrno(outcome.error, "EEXIST")) throw outcome.error;
    requireVlanFiltering(bridge, node);
  };
  attempt("bridge", bridge, make, vlanHint);
}

/**
 * Refuses a bridge that does not filter by VLANs; a bridge that does not exist passes. Filtering is not
 * switched on here, as in the reference: that could cut off other ports of the bridge. Throws CniError and
 * SystemError.
 */
export function requireVlanFiltering(bridge: string, node: Node): void {
  const state = getVlanFiltering(node.links, { name: bridge });
  if (state === "notInKernel") {
    throw new CniError("bridge", {
      about: `"${bridge}" cannot filter by VLANs`,
      cause: "the kernel was built without CONFIG_BRIDGE_VLAN_FILTERING",
      hint: OTHER_KERNEL,
    });
  }
  if (state !== "off") return;
  throw new CniError("bridge", {
    about: `"${bridge}" already exists and does not filter by VLANs`,
    cause: "it was made for a network without vlan, and would not keep VLANs apart",
    hint: `Use another bridge for this network, or switch it on with "ip link set ${bridge} type bridge vlan_filtering 1"`,
  });
}
