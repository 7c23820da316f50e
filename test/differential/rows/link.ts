// The link: the bridge, the veth pair and their flags.
import { type Difference, DUAL, ipamOf, type Row, V6 } from "../row.ts";

const OLD_BRIDGE = "ip link add name pods0 type bridge";

/** Of every network without addresses. */
export const LAYER_2: Difference[] = [
  {
    where: "CHECK",
    ours: "done",
    reference: "refused",
    why: "D5: the reference asks an IPAM plugin that is not there.",
  },
  {
    where: "red.sysctl.ipv4/conf/eth0/arp_notify",
    ours: "1",
    reference: "0",
    why: "It goes along with the request that sets the interface up, and does nothing without an address.",
  },
];

/** Of a bridge that somebody made, and that does not become a gateway by this ADD. */
export const FOREIGN_BRIDGE: Difference[] = [
  "node.sysctl.ipv6/conf/pods0/accept_ra",
  "left after DEL.node.sysctl.ipv6/conf/pods0/accept_ra",
].map((where) => ({
  where,
  reference: "0",
  why: "A bridge that somebody made and set up keeps its settings, until it becomes a gateway.",
}));

/** The same, with a smaller MTU. */
const MTU_OF_THE_BRIDGE: Difference[] = [
  "node.link.port.mtu",
  "node.sysctl.ipv6/conf/port/mtu",
  "red.link.eth0.mtu",
  "red.sysctl.ipv6/conf/eth0/mtu",
].map((where) => ({
  where,
  ours: "1400",
  why: "A pod takes the MTU of its bridge: what is larger than that is lost there without a word.",
}));

export const LINK_ROWS: Row[] = [
  { name: "one IPv4 subnet" },
  { name: "one IPv6 subnet", config: { ipam: ipamOf(V6) } },
  { name: "dual stack", config: { ipam: ipamOf(...DUAL) } },
  { name: "no bridge: it is cni0", config: { bridge: undefined } },
  { name: "a bridge name of 15 bytes", config: { bridge: "abcdefghijklmno" } },
  { name: "no ipam: layer 2", config: { ipam: undefined, isGateway: false }, differences: LAYER_2 },
  { name: "ipam without a type: layer 2", config: { ipam: {}, isGateway: false }, differences: LAYER_2 },
  { name: "layer 2, and a gateway is asked for", config: { ipam: undefined }, differences: LAYER_2 },
  {
    name: "layer 2, and masquerading is asked for",
    config: { ipam: undefined, isGateway: false, ipMasq: true },
    differences: LAYER_2,
  },
  { name: "hairpinMode", config: { hairpinMode: true } },
  { name: "promiscMode", config: { promiscMode: true } },
  { name: "hairpinMode and promiscMode, both off", config: { hairpinMode: false, promiscMode: false } },
  { name: "hairpinMode and promiscMode, both on", config: { hairpinMode: true, promiscMode: true } },
  { name: "mtu", config: { mtu: 1400 } },
  { name: "mtu 0", config: { mtu: 0 } },
  { name: "mtu larger than usual", config: { mtu: 9000, ipam: ipamOf(...DUAL) } },
  {
    name: "the smallest mtu of IPv4",
    config: { mtu: 68 },
    differences: [
      {
        where: "left after DEL.node.sysctl.ipv6/conf/pods0/*",
        ours: "nothing",
        why: "The bridge keeps its MTU, and with it, below 1280, goes without IPv6.",
      },
    ],
  },
  { name: "the smallest mtu of IPv6", config: { mtu: 1280, ipam: ipamOf(V6) } },
  { name: "a bridge that is there", node: [OLD_BRIDGE, "ip link set pods0 up"] },
  { name: "a bridge that is there and down", node: [OLD_BRIDGE] },
  {
    name: "a bridge that is there, with an mtu of its own",
    node: [OLD_BRIDGE, "ip link set pods0 mtu 1400 up"],
    config: { mtu: 9000 },
    differences: MTU_OF_THE_BRIDGE,
  },
  {
    name: "a bridge that is there, no mtu is asked for",
    node: [OLD_BRIDGE, "ip link set pods0 mtu 1400 up"],
    differences: MTU_OF_THE_BRIDGE,
  },
  {
    name: "a bridge that is there, with a port",
    node: [
      OLD_BRIDGE,
      "ip link add other type veth peer name rehto",
      "ip link set other master pods0 up",
      "ip link set pods0 up",
    ],
  },
  {
    name: "a bridge that is there, and no gateway",
    node: [OLD_BRIDGE, "ip link set pods0 up"],
    config: { isGateway: false },
    differences: FOREIGN_BRIDGE,
  },
  {
    name: "a bridge that is there and down, and no gateway",
    node: [OLD_BRIDGE],
    config: { isGateway: false },
  },
  {
    name: "layer 2 on a bridge that is there",
    node: [OLD_BRIDGE, "ip link set pods0 up"],
    config: { isGateway: false, ipam: undefined },
    differences: [...LAYER_2, ...FOREIGN_BRIDGE],
  },
  {
    name: "IPv6 is switched off by default, and not asked for",
    node: ["sysctl -qw net.ipv6.conf.default.disable_ipv6=1"],
  },
];
