// The reference plugins that connect a pod, as a table: the way of attaching (key `attach`) that each of them
// is, its keys and capabilities, and the defaults of Pontoon that differ from its own.
import type { Fields } from "../../cni/keys.ts";
import type { Difference, NetconfKey } from "./replacement.ts";

/** The rules by which an entry of a plugin that connects a pod becomes an entry of Pontoon. */
export interface MainPlugin {
  /** The keys that say the way of attaching; none for the way that Pontoon takes by itself. */
  way: Fields;
  /** The keys that the plugin reads. Other keys of Pontoon mean nothing in its entry. */
  keys: readonly string[];
  /** The capabilities that the plugin and its IPAM plugin use. */
  capabilities: readonly string[];
  /** The differences of an entry with these fields, where it leaves the choice to the plugin. */
  differences: (entry: Fields) => Difference[];
}

const OF_ALL: readonly NetconfKey[] = [
  "cniVersion",
  "name",
  "prevResult",
  "dns",
  "ipam",
  "args",
  "runtimeConfig",
  "capabilities",
];
const OF_BRIDGE: readonly NetconfKey[] = [
  "bridge",
  "isGateway",
  "isDefaultGateway",
  "forceAddress",
  "ipMasq",
  "ipMasqBackend",
  "mtu",
  "hairpinMode",
  "promiscMode",
  "vlan",
  "vlanTrunk",
  "preserveDefaultVlan",
  "macspoofchk",
  "enabledad",
  "disableContainerInterface",
  "portIsolation",
];
/** The keys that an entry of `ptp` and of `host-device` has beside those of all. */
export const OF_PTP: readonly NetconfKey[] = ["ipMasq", "ipMasqBackend", "mtu"];
export const OF_HOST_DEVICE: readonly NetconfKey[] = ["device", "hwaddr", "kernelpath", "pciBusID"];

const OF_HOST_LOCAL = ["ips", "ipRanges"];

/** The plugins that connect a pod, by type. */
export const MAIN_PLUGINS: ReadonlyMap<string, MainPlugin> = new Map<string, MainPlugin>([
  [
    "bridge",
    {
      way: {},
      keys: [...OF_ALL, ...OF_BRIDGE],
      capabilities: ["mac", ...OF_HOST_LOCAL],
      differences: (entry) => [
        ...ofMtu(entry, "a bridge that Pontoon makes"),
        ...ofMasquerading(entry, "bridge"),
      ],
    },
  ],
  [
    "ptp",
    {
      way: { attach: "ptp" },
      keys: [...OF_ALL, ...OF_PTP],
      capabilities: OF_HOST_LOCAL,
      differences: (entry) => [...ofMtu(entry, "a pair that Pontoon makes"), ...ofMasquerading(entry, "ptp")],
    },
  ],
  [
    "host-device",
    {
      way: { attach: "device" },
      keys: [...OF_ALL, ...OF_HOST_DEVICE],
      capabilities: ["deviceID", ...OF_HOST_LOCAL],
      differences: ({ pciBusID = "" }) =>
        pciBusID === ""
          ? []
          : [
              {
                key: "pciBusID",
                text: "a device without a network interface (DPDK) is refused by Pontoon, and left as it is by host-device",
              },
            ],
    },
  ],
]);

function ofMtu({ mtu = 0 }: Fields, link: string): Difference[] {
  const text = `is not set: ${link} gets the MTU of the node's way out, which need not be 1500`;
  return mtu === 0 ? [{ key: "mtu", text }] : [];
}

function ofMasquerading({ ipMasq, ipMasqBackend }: Fields, type: string): Difference[] {
  const text = `is not set: Pontoon masquerades by nftables, where ${type} takes iptables if it is there`;
  return ipMasq === true && ipMasqBackend === undefined ? [{ key: "ipMasqBackend", text }] : [];
}
