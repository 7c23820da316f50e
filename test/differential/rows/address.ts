// Addresses: ranges, sets of ranges, the leases of others.
import { type Difference, ipamOf, onlyOurs, type Row, V6 } from "../row.ts";

const ranges = (...sets: object[][]) => ({
  ipam: { type: "host-local", ranges: sets, routes: [{ dst: "0.0.0.0/0" }] },
});
const LEASES = "/var/lib/cni/networks/pods";
const lastOne = (text: string): string[] => [
  `mkdir -p ${LEASES}`,
  "umask 077",
  `printf ${text} > ${LEASES}/last_reserved_ip.0`,
];

/** The first pod gets the address that an empty file stood for, so all that follows is one lower. */
const EMPTY_LEASE: Difference[] = [
  "node.file.*/10.1.0.?",
  "node.lease.*",
  "left after DEL.node.file.*/10.1.0.2",
  "left after DEL.node.lease.*",
  "red.*10.1.0.?*",
  "result*.ips[0].address",
  "reach.*",
].map((where) => ({
  where,
  why: "L2: an empty file is a lease of nobody, so its address is free; the reference never hands it out again.",
}));

export const ADDRESS_ROWS: Row[] = [
  { name: "rangeStart", config: ranges([{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.50" }]) },
  { name: "rangeEnd", config: ranges([{ subnet: "10.1.0.0/24", rangeEnd: "10.1.0.50" }]) },
  {
    name: "rangeStart is the network's own address",
    config: ranges([{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.0" }]),
  },
  {
    name: "rangeEnd is the broadcast address",
    config: ranges([{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.254", rangeEnd: "10.1.0.255" }]),
  },
  {
    name: "a range of one address: the second pod gets none",
    config: ranges([{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.9", rangeEnd: "10.1.0.9" }]),
  },
  {
    name: "a range of the gateway alone: nobody gets one",
    config: ranges([{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.1", rangeEnd: "10.1.0.1" }]),
  },
  { name: "a subnet of four addresses", config: ranges([{ subnet: "10.1.0.0/30" }]) },
  { name: "a subnet of 16 million addresses", config: ranges([{ subnet: "10.0.0.0/8" }]) },
  { name: "an IPv6 subnet of four addresses", config: { ipam: ipamOf("fd01::/126") } },
  // The node's own wire has an address of fd00::/8.
  { name: "a large IPv6 subnet", config: { ipam: ipamOf("fc00::/8") } },
  {
    name: "two ranges in one set: one pool",
    config: ranges([
      { subnet: "10.1.0.0/24", rangeStart: "10.1.0.9", rangeEnd: "10.1.0.9" },
      { subnet: "10.2.0.0/24" },
    ]),
    differences: ["ADD of blue", "result of blue.*", "reach.*", "left after DEL.node.*"].map((where) => ({
      where,
      why: "The gateways of all ranges stay on the bridge; the reference can use the first range alone.",
    })),
  },
  {
    name: "two sets of one family: two addresses",
    config: ranges([{ subnet: "10.1.0.0/24" }], [{ subnet: "10.2.0.0/24" }]),
    differences: onlyOurs(
      "A gateway of the same network stands in nobody's way; the reference stumbles over its own.",
    ),
  },
  {
    name: "two sets of one family, the bridge no gateway",
    config: { isGateway: false, ...ranges([{ subnet: "10.1.0.0/24" }], [{ subnet: "10.2.0.0/24" }]) },
  },
  { name: "two sets of IPv6", config: { ipam: ipamOf(V6, "fd02::/64") } },
  {
    name: "the old form of a range",
    config: {
      ipam: {
        type: "host-local",
        subnet: "10.1.0.0/24",
        rangeStart: "10.1.0.20",
        rangeEnd: "10.1.0.30",
        gateway: "10.1.0.254",
      },
    },
  },
  {
    name: "the old form and ranges",
    config: { ipam: { type: "host-local", subnet: V6, ranges: [[{ subnet: "10.1.0.0/24" }]] } },
  },
  {
    name: "the old form beside an empty list",
    config: { ipam: { type: "host-local", subnet: "10.1.0.0/24", ranges: [] } },
  },
  {
    name: "addresses written in another way",
    config: {
      ipam: {
        type: "host-local",
        ranges: [[{ subnet: "FD01:0::0/64", rangeStart: "fd01:0:0::0010", gateway: "FD01::A" }]],
      },
    },
  },
  { name: "dataDir", config: { ipam: { ...ipamOf("10.1.0.0/24"), dataDir: "/var/lib/cni/other" } } },
  {
    name: "leases of others, the old form too",
    node: [
      `mkdir -p ${LEASES}`,
      `printf 'someone\\r\\neth0' > ${LEASES}/10.1.0.2`,
      `printf long-ago > ${LEASES}/10.1.0.3`,
    ],
  },
  { name: "the next address is looked for behind the last one", node: lastOne("10.1.0.77") },
  { name: "the last one is the last of the range", node: lastOne("10.1.0.254") },
  { name: "the last one is in no range", node: lastOne("192.168.1.1") },
  { name: "the last one is no address", node: lastOne("nonsense") },
  {
    name: "an empty lease, as a crash leaves it",
    node: [`mkdir -p ${LEASES}`, `touch ${LEASES}/10.1.0.2`],
    differences: EMPTY_LEASE,
  },
];
