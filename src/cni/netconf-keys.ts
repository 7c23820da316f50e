// Every key that is read from a configuration, and the defaults of those that taking away needs too.
import type { KeyTree } from "./keys.ts";

/** Keys of results are in result-parse.ts. */
export const NETCONF_KEYS = {
  cniVersion: true, name: true, prevResult: true, dns: true,
  bridge: true, isGateway: true, isDefaultGateway: true, forceAddress: true, ipMasq: true, mtu: true, hairpinMode: true, promiscMode: true,
  ipam: {
    type: true, routes: true, dataDir: true, resolvConf: true, statusWhenFull: true,
    ranges: { subnet: true, rangeStart: true, rangeEnd: true, gateway: true },
    // The old form of one range.
    subnet: true, rangeStart: true, rangeEnd: true, gateway: true,
  },
  capabilities: { ipRanges: true },
  // Read to be refused: the sign of a whole network list.
  plugins: true,
  // Read to be refused: unsupported.ts.
  vlan: true, vlanTrunk: true, macspoofchk: true, portIsolation: true, enabledad: true, disableContainerInterface: true, ipMasqBackend: true,
  args: { cni: { ips: true, mac: true } },
  runtimeConfig: { ips: true, mac: true, ipRanges: true },
} as const satisfies KeyTree;

export const DEFAULT_BRIDGE = "cni0";
export const DEFAULT_DATA_DIR = "/var/lib/cni/networks";
