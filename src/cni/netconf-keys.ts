// The keys of a configuration: one tree, as plain data. From it come the spelling of keys (keys.ts), the test
// of types and the type `Shape` (shape.ts), the explanation of a wrong type (netconf-schema.ts) and the JSON
// Schema (scripts/json-schema.ts).
//
// To add a key, write its line here, its words in scripts/schema-words.ts and its row in
// docs/configuration.md, then run `npm run schema`. A flag in BRIDGE is a field of Netconf by that alone. Any
// other key is read by the file of its group: bridge-config.ts, bandwidth.ts, tuning.ts, host-port-config.ts,
// ipam-config.ts, runtime-config.ts.
import type { KeyTree } from "./keys.ts";
import { DNS, ROUTE, TEXTS } from "./result-parse.ts";
import type { ShapeOf } from "./shape.ts";

/**
 * The keys of the bridge and its ports. A flag here is a field of Netconf under its name, false when absent.
 */
export const BRIDGE = {
  attach: "text",
  bridge: "text",
  /** The field of Netconf is true as well when `isDefaultGateway` is. */
  isGateway: "flag",
  isDefaultGateway: "flag",
  forceAddress: "flag",
  ipMasq: "flag",
  ipMasqBackend: "text",
  mtu: "whole",
  hairpinMode: "flag",
  promiscMode: "flag",
  portIsolation: "flag",
  /** The field of Netconf is true as well when `ipspoofchk` is. */
  macspoofchk: "flag",
  /** This flag is refused without any IPAM. */
  ipspoofchk: "flag",
  ingressPolicy: "text",
  enabledad: "flag",
  /** This flag is refused beside any IPAM. */
  disableContainerInterface: "flag",
  vlan: "whole",
  vlanTrunk: [{ id: "whole", minID: "whole", maxID: "whole" }],
  preserveDefaultVlan: "flag",
} as const satisfies KeyTree;

/** The keys that name a device of the node, each in its own way, as in the reference host-device. */
export const DEVICE = {
  device: "text",
  /** The first free one counts: an extension. */
  devices: TEXTS,
  hwaddr: "text",
  kernelpath: "text",
  pciBusID: "text",
} as const satisfies KeyTree;

/** The limits of bandwidth: at the top for all pods of the network, in runtimeConfig for one pod. */
const BANDWIDTH = {
  ingressRate: "whole",
  ingressBurst: "whole",
  egressRate: "whole",
  egressBurst: "whole",
} as const;

const RANGE = { subnet: "text", rangeStart: "text", rangeEnd: "text", gateway: "text" } as const;
const RANGES = [[RANGE]] as const;

/** The keys whose type is checked, in the order of the JSON Schema. */
export const NETCONF = {
  ...BRIDGE,
  ...DEVICE,
  force: "flag",
  ...BANDWIDTH,
  egressInPod: "flag",
  // Values of sysctls are text or numbers; tuning.ts reports all others.
  sysctl: "fields",
  txQLen: "whole",
  promisc: "flag",
  allmulti: "flag",
  mac: "text",
  sourceBasedRouting: "flag",
  snat: "flag",
  masqAll: "flag",
  markMasqBit: "whole",
  externalSetMarkChain: "text",
  conditionsV4: TEXTS,
  conditionsV6: TEXTS,
  allowListening: "flag",
  compat: { iptablesHostPortChains: "flag" },
  ipam: {
    type: "text",
    ranges: RANGES,
    // The four keys of a range are the old form of a single range.
    ...RANGE,
    routes: [ROUTE],
    dataDir: "text",
    resolvConf: "text",
    statusWhenFull: "flag",
  },
  dns: DNS,
  log: { file: "text", level: "text" },
  args: { cni: { mac: "text", ips: TEXTS, sysctl: "fields" } },
  runtimeConfig: {
    mac: "text",
    ips: TEXTS,
    ipRanges: RANGES,
    dns: { servers: TEXTS, searches: TEXTS, options: TEXTS },
    bandwidth: BANDWIDTH,
    portMappings: [
      { hostPort: "whole", hostPortEnd: "whole", containerPort: "whole", protocol: "text", hostIP: "text" },
    ],
    deviceID: "text",
  },
} as const satisfies KeyTree;

/** The keys of the protocol. The code that reads one of them checks its value. */
export const PROTOCOL = {
  cniVersion: true,
  name: true,
  // The keys of a previous result are in result-parse.ts.
  prevResult: true,
  type: true,
  capabilities: {
    portMappings: true,
    bandwidth: true,
    ipRanges: true,
    ips: true,
    mac: true,
    dns: true,
    deviceID: true,
  },
  // The key `plugins` is read to be refused: it is the sign of a whole network list.
  plugins: true,
} as const satisfies KeyTree;

/** Every key that is read from a configuration. */
export const NETCONF_KEYS = { ...PROTOCOL, ...NETCONF } as const;

export type Shape = ShapeOf<typeof NETCONF>;
export type IpamShape = ShapeOf<typeof NETCONF.ipam>;
export type RangeShape = ShapeOf<typeof RANGE>;
export type TrunkShape = NonNullable<Shape["vlanTrunk"]>[number];
export type BandwidthShape = ShapeOf<typeof BANDWIDTH>;
export type PortShape = ShapeOf<(typeof NETCONF.runtimeConfig.portMappings)[0]>;

// The defaults of `bridge` and `ipam.dataDir` are needed for taking away as well.
export const DEFAULT_BRIDGE = "cni0";
export const DEFAULT_DATA_DIR = "/var/lib/cni/networks";
