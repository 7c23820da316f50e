// Every key that is read from a configuration, and the defaults of those that taking away needs too.
import type { KeyTree } from "./keys.ts";
import { DNS, ROUTE } from "./result-parse.ts";

/** For the network as a whole at the top, for one pod in runtimeConfig. */
const BANDWIDTH = { ingressRate: true, ingressBurst: true, egressRate: true, egressBurst: true } as const;
const RANGE = { subnet: true, rangeStart: true, rangeEnd: true, gateway: true } as const;

/** Keys of a previous result are in result-parse.ts. */
export const NETCONF_KEYS = {
  cniVersion: true,
  name: true,
  prevResult: true,
  dns: DNS,
  bridge: true,
  isGateway: true,
  isDefaultGateway: true,
  forceAddress: true,
  ipMasq: true,
  ipMasqBackend: true,
  mtu: true,
  hairpinMode: true,
  promiscMode: true,
  portIsolation: true,
  macspoofchk: true,
  ingressPolicy: true,
  enabledad: true,
  disableContainerInterface: true,
  snat: true,
  masqAll: true,
  markMasqBit: true,
  externalSetMarkChain: true,
  conditionsV4: true,
  conditionsV6: true,
  allowListening: true,
  compat: { iptablesHostPortChains: true },
  vlan: true,
  vlanTrunk: { id: true, minID: true, maxID: true },
  preserveDefaultVlan: true,
  ...BANDWIDTH,
  egressInPod: true,
  sysctl: true,
  txQLen: true,
  promisc: true,
  allmulti: true,
  mac: true,
  sourceBasedRouting: true,
  ipam: {
    type: true,
    routes: ROUTE,
    dataDir: true,
    resolvConf: true,
    statusWhenFull: true,
    ranges: RANGE,
    // The old form of one range.
    ...RANGE,
  },
  args: { cni: { ips: true, mac: true, sysctl: true } },
  runtimeConfig: {
    ips: true,
    mac: true,
    ipRanges: RANGE,
    dns: { servers: true, searches: true, options: true },
    bandwidth: BANDWIDTH,
    portMappings: { hostPort: true, hostPortEnd: true, containerPort: true, protocol: true, hostIP: true },
  },
  capabilities: { ipRanges: true },
  // Read to be refused: the sign of a whole network list.
  plugins: true,
} as const satisfies KeyTree;

export const DEFAULT_BRIDGE = "cni0";
export const DEFAULT_DATA_DIR = "/var/lib/cni/networks";
