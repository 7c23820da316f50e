// What cni-conf/pontoon.schema.json says about each key beyond its type: words for people, default, limits.
// Limits come from the code that checks them, where it names them.

import { SMALLEST_RATE } from "../src/cni/bandwidth.ts";
import { DEFAULT_MARK_BIT, LARGEST_PORT } from "../src/cni/host-port-config.ts";
import type { PlainKind } from "../src/cni/keys.ts";
import { LOG_LEVELS } from "../src/cni/log-config.ts";
import { LARGEST_MTU, SMALLEST_MTU } from "../src/cni/netconf-check.ts";
import { DEFAULT_BRIDGE, DEFAULT_DATA_DIR, type NETCONF } from "../src/cni/netconf-keys.ts";
import { SUPPORTED_VERSIONS } from "../src/cni/version.ts";
import { LARGEST_VLAN } from "../src/cni/vlan.ts";

/** Keywords of JSON Schema. */
export interface Words {
  title: string;
  description: string;
  [keyword: string]: unknown;
}

/** The path of every key below a tree, as in `ipam.ranges.subnet`: lists are no part of it. */
type PathOf<Known> = Known extends PlainKind | true
  ? never
  : Known extends readonly [infer Item]
    ? PathOf<Item>
    : { [Key in keyof Known & string]: Key | Below<Key, PathOf<Known[Key]>> }[keyof Known & string];
type Below<Key extends string, Path> = Path extends string ? `${Key}.${Path}` : never;

const ADDRESS = "^[0-9a-fA-F:.]*$";
const PREFIX = "^[0-9a-fA-F:.]+/[0-9]+$";
const REQUESTED = "^[0-9a-fA-F:.]+(/[0-9]+)?$";
const MAC = "^([0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}|[0-9a-fA-F]{4}([.][0-9a-fA-F]{4}){2})?$";
const PORT = { minimum: 1, maximum: LARGEST_PORT };
const VLAN_ID = { minimum: 1, maximum: LARGEST_VLAN };
const UINT32 = { minimum: 0, maximum: 0xffff_ffff };

const flag = (title: string, description: string): Words => ({ title, description, default: false });

const BANDWIDTH = {
  ingressRate: {
    title: "Rate to the pod",
    description: "bit/s; 0 is no limit.",
    anyOf: [
      { type: "integer", maximum: 0 },
      { type: "integer", minimum: SMALLEST_RATE },
    ],
    minimum: 0,
  },
  ingressBurst: {
    title: "Burst to the pod",
    description:
      "Bits that may pass at once after a pause; 0 or more than a second of the rate: pontoon decides.",
    minimum: 0,
  },
  egressRate: {
    title: "Rate from the pod",
    description: "bit/s; 0 is no limit.",
    anyOf: [
      { type: "integer", maximum: 0 },
      { type: "integer", minimum: SMALLEST_RATE },
    ],
    minimum: 0,
  },
  egressBurst: {
    title: "Burst from the pod",
    description:
      "Bits that may pass at once after a pause; 0 or more than a second of the rate: pontoon decides.",
    minimum: 0,
  },
} satisfies Record<string, Words>;

const RANGE = {
  subnet: {
    title: "Subnet",
    description: "A network with its prefix length; host bits are zero, at least four addresses.",
    pattern: PREFIX,
    examples: ["10.222.0.0/16", "fd00::/64"],
  },
  rangeStart: {
    title: "First address",
    description: "The first address that is handed out. Default: the subnet's address + 1.",
    pattern: ADDRESS,
  },
  rangeEnd: {
    title: "Last address",
    description:
      "The last address that is handed out. Default: for IPv4 the one before the broadcast address, for IPv6 the last.",
    pattern: ADDRESS,
  },
  gateway: {
    title: "Gateway",
    description:
      "Never handed out. With isGateway or isDefaultGateway an address of the subnet. Default: the subnet's address + 1.",
    pattern: ADDRESS,
  },
} satisfies Record<string, Words>;

const RANGES = "Range sets: the pod gets one address of each inner list, whose ranges are one pool.";

/** The words of every key, by path. A key without words does not compile. */
export const WORDS: { readonly [path in PathOf<typeof NETCONF>]: Words } = {
  attach: {
    title: "Attach",
    description:
      "The way in which pods are attached. bridge: by a veth pair to a bridge of the node; ptp: by a veth pair to the node itself, which routes to each pod; wire: by a veth pair to the one other pod of the network; device: by a device of the node that is moved into the pod and given back.",
    default: "bridge",
    enum: ["bridge", "ptp", "wire", "device"],
  },
  device: {
    title: "Device",
    description: 'Name of the device of the node that the pod gets, with "attach": "device".',
  },
  devices: {
    title: "Devices",
    description:
      "Names of devices, or patterns of names as a shell has them (eth[1-4], ens*): the pod gets the first that is free.",
  },
  hwaddr: { title: "Device by its MAC", description: "MAC of the device.", pattern: MAC },
  kernelpath: {
    title: "Device by its path",
    description: "Folder of the device in sysfs, below /sys/devices.",
  },
  pciBusID: { title: "Device by its PCI address", description: "As in 0000:00:1f.6." },
  force: flag(
    "Take the device of the default route",
    "The pod may get the device by which the node's default route leads out.",
  ),
  bridge: {
    title: "Bridge",
    description: "Name of the bridge. It is made at the first ADD and never deleted.",
    default: DEFAULT_BRIDGE,
    minLength: 1,
    maxLength: 15,
    pattern: "^(?![.]{1,2}$)[^/:%\\s]+$",
  },
  isGateway: flag(
    "Gateway",
    "The bridge gets the gateway's address of each range, and the node forwards packets.",
  ),
  isDefaultGateway: flag(
    "Default gateway",
    "As isGateway, and the pod gets a default route by the bridge for each family.",
  ),
  forceAddress: flag(
    "Force address",
    "Other addresses of the bridge that stand in the way of the gateway's are removed.",
  ),
  ipMasq: flag("Masquerade", "Packets from pods get the node's address when they leave the network."),
  ipMasqBackend: {
    title: "Masquerade backend",
    description:
      "Who masquerades: a table of Pontoon's in nftables, or chains for those who read the ones of iptables.",
    default: "nftables",
    enum: ["nftables", "iptables"],
  },
  mtu: {
    title: "MTU",
    description: `0: that of the way out of the node. With IPv6 ranges at least ${SMALLEST_MTU[6]}.`,
    default: 0,
    minimum: 0,
    maximum: LARGEST_MTU,
    anyOf: [
      { type: "integer", maximum: 0 },
      { type: "integer", minimum: SMALLEST_MTU[4] },
    ],
  },
  hairpinMode: flag(
    "Hairpin mode",
    "The pod reaches itself by way of the bridge. Not together with promiscMode.",
  ),
  promiscMode: flag("Promiscuous mode", "The bridge is promiscuous. Not together with hairpinMode."),
  portIsolation: flag(
    "Port isolation",
    "Pods of the bridge do not reach each other, only the node and what lies behind it.",
  ),
  ingressPolicy: {
    title: "Ingress policy",
    description:
      "The pods' packets pass firewalls of the node. open: all pods reach each other; same-bridge: pods of different networks with same-bridge or isolated do not; isolated: nor do pods of one network.",
    enum: ["open", "same-bridge", "isolated"],
  },
  macspoofchk: flag(
    "MAC spoof check",
    "Frames from a pod with a source MAC that is not its own are dropped.",
  ),
  ipspoofchk: flag(
    "Address spoof check",
    "As macspoofchk, and packets from a pod with a source address that is not its own are dropped, and so are its ARP and neighbour messages for addresses of others. Only together with ipam.",
  ),
  enabledad: flag(
    "Duplicate address detection",
    "ADD waits until the kernel has made sure that nobody else has the pod's IPv6 addresses.",
  ),
  disableContainerInterface: flag(
    "Disable container interface",
    "The pod's end stays down. Not together with ipam.",
  ),
  vlan: {
    title: "VLAN",
    description: "The VLAN that the pod is in without knowing; 0 is none.",
    default: 0,
    minimum: 0,
    maximum: LARGEST_VLAN,
  },
  vlanTrunk: {
    title: "VLAN trunk",
    description:
      "VLANs whose packets the pod sends and gets with their tag. An entry has an id, or minID and maxID.",
  },
  "vlanTrunk.id": { title: "VLAN", description: "One VLAN.", ...VLAN_ID },
  "vlanTrunk.minID": { title: "First VLAN", description: "The first of a run of VLANs.", ...VLAN_ID },
  "vlanTrunk.maxID": { title: "Last VLAN", description: "The last of a run of VLANs.", ...VLAN_ID },
  snat: {
    title: "Source address translation",
    description:
      "Connections to a host port get the node's address where the pod's answer would not find back otherwise.",
    default: true,
  },
  masqAll: flag("Masquerade all", "All connections to a host port get the node's address."),
  markMasqBit: {
    title: "Mark bit",
    description: "The bit that marks packets on their way to a host port; one for all networks of the node.",
    default: DEFAULT_MARK_BIT,
    minimum: 0,
    maximum: 31,
  },
  externalSetMarkChain: {
    title: "External chain",
    description: "A chain of iptables that marks packets; not supported.",
    maxLength: 0,
  },
  conditionsV4: {
    title: "Conditions (IPv4)",
    description:
      "What connections to host ports have to be like, in words of iptables or nft: source, destination, incoming interface.",
    examples: [["!", "-d", "192.0.2.0/24"]],
  },
  conditionsV6: {
    title: "Conditions (IPv6)",
    description: "The same over IPv6.",
    examples: [["ip6", "daddr", "!=", "fc00::/7"]],
  },
  allowListening: flag(
    "Allow listening",
    "A host port is taken although a process of the node listens on it.",
  ),
  compat: { title: "Compatibility", description: "For programs that read what the reference plugins write." },
  "compat.iptablesHostPortChains": flag(
    "Chains of host ports",
    "Host ports are listed in iptables too, where nerdctl looks which are taken.",
  ),
  preserveDefaultVlan: flag(
    "Preserve default VLAN",
    "With vlan or vlanTrunk the port stays in the bridge's default VLAN too.",
  ),

  ...BANDWIDTH,
  egressInPod: flag(
    "Limit inside the pod",
    "What the pod sends is held back at its own end, where a pod with NET_ADMIN could undo it, and not by an ifb device of the node's.",
  ),

  sysctl: {
    title: "Sysctls",
    description:
      "Settings of the pod's network, as in net.ipv4.conf.IFNAME.forwarding; IFNAME stands for the interface.",
    additionalProperties: { type: ["string", "number"] },
    propertyNames: { pattern: "^net[./]" },
  },
  txQLen: {
    title: "Transmit queue length",
    description: "Packets that may wait at the pod's end.",
    ...UINT32,
  },
  promisc: flag("Promiscuous interface", "The pod's end is promiscuous."),
  allmulti: flag("All multicast", "The pod's end takes all multicast frames."),
  mac: {
    title: "MAC",
    description: "The MAC that the pod is to have, if nobody asks for another one.",
    pattern: MAC,
  },
  sourceBasedRouting: flag(
    "Source based routing",
    "What the pod sends from its addresses in this network leaves by this network; the main routing table gets no default route of it.",
  ),

  ipam: {
    title: "Addresses (host-local)",
    description: "Who gives addresses. Without it, or empty: the pod gets an interface without addresses.",
  },
  "ipam.type": {
    title: "IPAM plugin",
    description:
      '"host-local" is built in. Another name is that of a plugin in CNI_PATH; an absolute path names one anywhere.',
  },
  "ipam.ranges": { title: "Ranges", description: RANGES },
  ...below("ipam.ranges", RANGE),
  ...below("ipam", RANGE),
  "ipam.routes": { title: "Routes", description: "Routes of the pod." },
  "ipam.routes.dst": {
    title: "Destination",
    description: "A network with its prefix length.",
    pattern: PREFIX,
    examples: ["0.0.0.0/0", "::/0"],
  },
  "ipam.routes.gw": {
    title: "Next hop",
    description: "Default: the gateway of the pod's first address of that family.",
    pattern: ADDRESS,
  },
  "ipam.routes.mtu": { title: "MTU", description: "Of packets on this route; 0 is not set.", ...UINT32 },
  "ipam.routes.advmss": {
    title: "Advertised segment size",
    description: "Of TCP connections on this route; 0 is not set.",
    ...UINT32,
  },
  "ipam.routes.priority": {
    title: "Metric",
    description: "Decides between routes to one destination; 0 is not set.",
    ...UINT32,
  },
  "ipam.routes.table": { title: "Routing table", description: "Default: the main table, 254.", ...UINT32 },
  "ipam.routes.scope": {
    title: "Scope",
    description: "0 global, 253 link, 254 host.",
    minimum: 0,
    maximum: 255,
  },
  "ipam.dataDir": {
    title: "Lease directory",
    description: "Absolute path. The leases of a network are in the directory of its name below it.",
    default: DEFAULT_DATA_DIR,
    pattern: "^(/|$)",
  },
  "ipam.resolvConf": {
    title: "resolv.conf",
    description: "A file like /etc/resolv.conf whose content becomes the result's dns.",
  },
  "ipam.statusWhenFull": flag(
    "STATUS when full",
    "STATUS fails with code 50 when no address is left. In Kubernetes that makes the whole node NotReady.",
  ),

  dns: {
    title: "DNS",
    description:
      "If any of it is there, it replaces what ipam.resolvConf gives, and is replaced by runtimeConfig.dns.",
  },
  "dns.nameservers": { title: "Name servers", description: "Addresses of name servers." },
  "dns.domain": { title: "Domain", description: "The local domain." },
  "dns.search": { title: "Search list", description: "Domains that short names are looked up in." },
  "dns.options": { title: "Options", description: "Options of the resolver, as in resolv.conf." },

  log: { title: "Log of calls", description: "A line of JSON for each call of this network." },
  "log.file": { title: "File", description: "An absolute path. The folder has to be there.", pattern: "^/" },
  "log.level": {
    title: "Level",
    description: "Calls that fail, or all, or all with the time of each step.",
    enum: [...LOG_LEVELS],
    default: "info",
  },

  args: {
    title: "Arguments",
    description: "For one attachment, by convention below cni. What Pontoon does not know is left to others.",
  },
  "args.cni": {
    title: "CNI arguments",
    description: "mac, ips and sysctl ask for a MAC, for addresses and for settings.",
  },
  "args.cni.mac": { title: "MAC", description: "The MAC that the pod is to have.", pattern: MAC },
  "args.cni.ips": {
    title: "Addresses",
    description: "Addresses that the pod is to have, with or without a prefix length, which does not count.",
    items: { type: "string", pattern: REQUESTED },
  },
  "args.cni.sysctl": {
    title: "Sysctls",
    description: "As sysctl of the entry, and counted before it.",
    additionalProperties: { type: ["string", "number"] },
    propertyNames: { pattern: "^net[./]" },
  },
  runtimeConfig: {
    title: "Runtime configuration",
    description: "Put in by the runtime for the capabilities that are declared; not written by hand.",
  },
  "runtimeConfig.mac": {
    title: "MAC",
    description: "The MAC that the pod is to have. Needs the capability mac.",
    pattern: MAC,
  },
  "runtimeConfig.ips": {
    title: "Addresses",
    description: "Addresses that the pod is to have. Needs the capability ips.",
    items: { type: "string", pattern: REQUESTED },
  },
  "runtimeConfig.ipRanges": {
    title: "Ranges",
    description: `${RANGES} In front of those of ipam. Needs the capability ipRanges.`,
  },
  ...below("runtimeConfig.ipRanges", RANGE),
  "runtimeConfig.bandwidth": {
    title: "Bandwidth",
    description:
      "Limits for this pod; a rate here replaces rate and burst of the entry. Needs the capability bandwidth.",
  },
  ...below("runtimeConfig.bandwidth", BANDWIDTH),
  "runtimeConfig.deviceID": {
    title: "Device",
    description: "Its address on the PCI or the auxiliary bus. Needs the capability deviceID.",
  },
  "runtimeConfig.portMappings": {
    title: "Host ports",
    description: "Ports of the node that lead to the pod. Needs the capability portMappings.",
  },
  "runtimeConfig.portMappings.hostPort": { title: "Host port", description: "The node's port.", ...PORT },
  "runtimeConfig.portMappings.hostPortEnd": {
    title: "Last host port",
    description: "The last of several in a row; the pod's ports go along. 0: one port.",
    minimum: 0,
    maximum: LARGEST_PORT,
  },
  "runtimeConfig.portMappings.containerPort": {
    title: "Container port",
    description: "The pod's port.",
    ...PORT,
  },
  "runtimeConfig.portMappings.protocol": {
    title: "Protocol",
    description: "tcp, udp or sctp, in small letters or capitals. Default: tcp.",
  },
  "runtimeConfig.portMappings.hostIP": {
    title: "Host address",
    description: "The node's address that has the port. Empty, 0.0.0.0 or ::: all of them.",
    pattern: ADDRESS,
  },
  "runtimeConfig.dns": { title: "DNS", description: "Replaces dns. Needs the capability dns." },
  "runtimeConfig.dns.servers": { title: "Name servers", description: "Addresses of name servers." },
  "runtimeConfig.dns.searches": {
    title: "Search list",
    description: "Domains that short names are looked up in.",
  },
  "runtimeConfig.dns.options": {
    title: "Options",
    description: "Options of the resolver, as in resolv.conf.",
  },
};

const NAME = {
  type: "string",
  title: "Network",
  description: "Name of the network; its leases and records are in directories of this name.",
  pattern: "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$",
  maxLength: 255,
};
const CNI_VERSION = {
  type: "string",
  title: "CNI version",
  description: "The version of the protocol that the runtime speaks.",
  enum: [...SUPPORTED_VERSIONS],
};

/** Keys of the protocol in an entry. A list puts its own name and version there. */
export const ENTRY_KEYS = {
  $schema: { type: "string" },
  cniVersion: CNI_VERSION,
  name: NAME,
  capabilities: {
    type: "object",
    title: "Capabilities",
    description:
      "What the runtime may put into runtimeConfig: mac, ips, ipRanges, dns, portMappings, bandwidth and deviceID are understood.",
  },
  prevResult: {
    type: "object",
    title: "Previous result",
    description: "Put in by the runtime; not written by hand.",
  },
};

/** Keys of a list, but for `plugins`. */
export const LIST_KEYS = {
  $schema: { type: "string" },
  cniVersion: CNI_VERSION,
  name: NAME,
  cniVersions: {
    type: "array",
    title: "CNI versions",
    description: "Runtimes that know this key take the newest of these and cniVersion.",
    items: CNI_VERSION,
  },
  disableCheck: {
    type: "boolean",
    title: "Disable CHECK",
    description: "The runtime does not call CHECK.",
    default: false,
  },
  disableGC: {
    type: "boolean",
    title: "Disable GC",
    description: "The runtime does not call GC.",
    default: false,
  },
};

/** The words with their keys moved below `path`. */
function below<Path extends string, Group extends Record<string, Words>>(path: Path, words: Group) {
  const entries = Object.entries(words).map(([key, value]) => [`${path}.${key}`, value]);
  return Object.fromEntries(entries) as { [key in `${Path}.${keyof Group & string}`]: Words };
}
