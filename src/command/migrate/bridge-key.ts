// The keys and capabilities of the reference plugin `bridge`, and its defaults that differ from Pontoon's.
import type { Fields } from "../../cni/keys.ts";
import { BRIDGE } from "../../cni/netconf-keys.ts";
import type { Capability, Difference, NetconfKey } from "./replacement.ts";

/** Keys of the bridge that are Pontoon's own. In an entry of `bridge` they mean nothing. */
const OWN_KEYS: readonly string[] = ["ingressPolicy"];

/** The keys that `bridge` reads. Other keys of Pontoon mean nothing in an entry of `bridge`. */
export const KEYS_OF_BRIDGE: readonly NetconfKey[] = [
  "cniVersion",
  "name",
  "prevResult",
  "dns",
  "ipam",
  "args",
  "runtimeConfig",
  "capabilities",
  ...(Object.keys(BRIDGE) as NetconfKey[]).filter((key) => !OWN_KEYS.includes(key)),
];

/** The capabilities that `bridge` and its IPAM plugin use. */
export const CAPABILITIES_OF_BRIDGE: readonly Capability[] = ["mac", "ips", "ipRanges"];

/** The differences between Pontoon and `bridge` where the entry leaves the choice to the plugin. */
export function differencesFromBridge({ mtu = 0, ipMasq, ipMasqBackend }: Fields): Difference[] {
  const differences: Difference[] = [];
  if (mtu === 0)
    differences.push({
      key: "mtu",
      text: "is not set: a bridge that Pontoon makes gets the MTU of the node's way out, which need not be 1500",
    });
  if (ipMasq === true && ipMasqBackend === undefined)
    differences.push({
      key: "ipMasqBackend",
      text: "is not set: Pontoon masquerades by nftables, where bridge takes iptables if it is there",
    });
  return differences;
}
