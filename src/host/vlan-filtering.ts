// Whether a bridge keeps VLANs apart. One that does not would take all settings of its ports, and keep
// nothing apart.
import { CniError } from "../cni/error.ts";
import { getVlanFiltering } from "../net/bridge-vlan.ts";
import { randomMac } from "../net/link.ts";
import { createBridgeMessage } from "../net/link-change.ts";
import { isErrno, type SystemError } from "../sys/errno.ts";
import { attempt } from "./failure.ts";
import type { Machine } from "./machine.ts";

const OTHER_KERNEL =
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

/**
 * Makes sure that there is a bridge of that name that filters by VLANs; it is still down when it is made
 * here. Only by making one can be told whether the kernel can filter, and that has to be known before an
 * address is reserved. Throws CniError.
 */
export function ensureFilteringBridge(bridge: string, machine: Machine): void {
  attempt(
    "bridge",
    bridge,
    () => {
      const [outcome] = machine.links.transact([
        createBridgeMessage({ name: bridge, mac: randomMac(), vlanFiltering: true }),
      ]);
      if (outcome?.error === undefined) return;
      if (!isErrno(outcome.error, "EEXIST")) throw outcome.error;
      requireVlanFiltering(bridge, machine);
    },
    vlanHint,
  );
}

/**
 * Refuses a bridge that does not filter by VLANs; one that does not exist is none of its business. It is not
 * switched on here, as in the reference: what others have on the bridge could be cut off. Throws CniError and
 * SystemError.
 */
export function requireVlanFiltering(bridge: string, machine: Machine): void {
  const state = getVlanFiltering(machine.links, { name: bridge });
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

/** What is wrong with the bridge, or undefined. */
export function verifyVlanFiltering(bridge: string, machine: Machine): string | undefined {
  return getVlanFiltering(machine.links, { name: bridge }) === "on"
    ? undefined
    : `bridge ${bridge} does not filter by VLANs`;
}
