// Values that are wrong: both refuse, and only one of the two leaves nothing.
import { ipamOf, onlyTheirs, type Row } from "../row.ts";

const TYPES: Row[] = [
  ["bridge", 5],
  ["isGateway", "yes"],
  ["isDefaultGateway", 1],
  ["forceAddress", "true"],
  ["ipMasq", "true"],
  ["hairpinMode", []],
  ["promiscMode", {}],
  ["mtu", "1400"],
  ["ipam", "host-local"],
  ["dns", "10.1.0.53"],
  ["name", 7],
  ["cniVersion", 1],
].map(([key, value]) => ({
  name: `${String(key)} is ${JSON.stringify(value)}`,
  config: { [String(key)]: value },
}));

const LINKS: Row[] = [
  { name: "an empty bridge name", config: { bridge: "" } },
  { name: "a bridge name of 16 bytes", config: { bridge: "abcdefghijklmnop" } },
  { name: "a bridge name with a slash", config: { bridge: "a/b" } },
  { name: "a bridge name that is a pattern", config: { bridge: "br%d" } },
  { name: "a bridge name of a link that is none", config: { bridge: "uplink" } },
  { name: "mtu 10", config: { mtu: 10 } },
  { name: "mtu 70000", config: { mtu: 70000 } },
  {
    name: "mtu -5",
    config: { mtu: -5 },
    differences: onlyTheirs("A length below zero is a mistake; the reference takes it for none."),
  },
  { name: "mtu 1400.5", config: { mtu: 1400.5 } },
  { name: "mtu of 1000, IPv6", config: { mtu: 1000, ipam: ipamOf("fd01::/64") } },
  { name: "a name with a slash", config: { name: "a/b" } },
  { name: "an empty name", config: { name: "" } },
];

/** Ranges that the reference takes. */
const TAKEN: { [name: string]: Pick<Row, "differences"> } = {
  "a gateway of the other family": {
    differences: onlyTheirs("The reference gives the bridge fd01::1/24, which is no gateway for anybody."),
  },
};

const IPAM: Row[] = Object.entries({
  "no ranges": undefined,
  "no range set": [],
  "an empty set": [[]],
  "an empty range": [[{}]],
  "a set that is no list": [{ subnet: "10.1.0.0/24" }],
  "ranges that are text": "10.1.0.0/24",
  "a subnet that is none": [[{ subnet: "ten" }]],
  "a subnet without a length": [[{ subnet: "10.1.0.0" }]],
  "a subnet with host bits": [[{ subnet: "10.1.0.7/24" }]],
  "a /31": [[{ subnet: "10.1.0.0/31" }]],
  "a /32": [[{ subnet: "10.1.0.0/32" }]],
  "a /127": [[{ subnet: "fd01::/127" }]],
  "a mapped IPv4 subnet": [[{ subnet: "::ffff:10.1.0.0/120" }]],
  "a length of 33": [[{ subnet: "10.1.0.0/33" }]],
  "a leading zero": [[{ subnet: "10.01.0.0/24" }]],
  "rangeStart outside": [[{ subnet: "10.1.0.0/24", rangeStart: "10.2.0.1" }]],
  "rangeEnd outside": [[{ subnet: "10.1.0.0/24", rangeEnd: "10.2.0.1" }]],
  "rangeStart behind rangeEnd": [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.9", rangeEnd: "10.1.0.3" }]],
  "rangeStart that is none": [[{ subnet: "10.1.0.0/24", rangeStart: "nine" }]],
  "a gateway that is none": [[{ subnet: "10.1.0.0/24", gateway: "one" }]],
  "a gateway of the other family": [[{ subnet: "10.1.0.0/24", gateway: "fd01::1" }]],
  "both families in one set": [[{ subnet: "10.1.0.0/24" }, { subnet: "fd01::/64" }]],
  "two ranges of one set overlap": [[{ subnet: "10.1.0.0/24" }, { subnet: "10.1.0.0/16" }]],
  "two sets overlap": [[{ subnet: "10.1.0.0/24" }], [{ subnet: "10.1.0.0/16" }]],
}).map(([name, ranges]) => ({
  name: `ranges: ${name}`,
  config: { ipam: { type: "host-local", ranges } },
  ...TAKEN[name],
}));

const OTHERS: Row[] = [
  { name: "an IPAM plugin that does not exist", config: { ipam: { type: "no-such-plugin" } } },
  { name: "dataDir is a file", config: { ipam: { ...ipamOf("10.1.0.0/24"), dataDir: "/etc/passwd" } } },
  {
    name: "dataDir is no absolute path",
    config: { ipam: { ...ipamOf("10.1.0.0/24"), dataDir: "var" } },
    differences: onlyTheirs("The leases would lie wherever the runtime happens to stand."),
  },
  {
    name: "a route without a destination",
    config: { ipam: { ...ipamOf("10.1.0.0/24"), routes: [{ gw: "10.1.0.1" }] } },
  },
  {
    name: "a route's destination that is none",
    config: { ipam: { ...ipamOf("10.1.0.0/24"), routes: [{ dst: "all" }] } },
  },
  {
    name: "a route's gateway that is none",
    config: { ipam: { ...ipamOf("10.1.0.0/24"), routes: [{ dst: "0.0.0.0/0", gw: "one" }] } },
  },
  {
    name: "a route's gateway of the other family",
    config: { ipam: { ...ipamOf("10.1.0.0/24"), routes: [{ dst: "0.0.0.0/0", gw: "fd01::1" }] } },
  },
  { name: "nameservers that are text", config: { dns: { nameservers: "10.1.0.53" } } },
];

export const BAD_VALUE_ROWS: Row[] = [...TYPES, ...LINKS, ...IPAM, ...OTHERS];
