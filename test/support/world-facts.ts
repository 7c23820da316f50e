// All that `ip`, `bridge`, `tc`, `nft` and /proc/sys/net say of a host or a pod, to compare two worlds.
import { formatAddress } from "../../src/ip/address.ts";
import { linkLocalOf } from "../../src/ip/link-local.ts";
import { macBytes } from "../../src/ip/mac.ts";
import type { Place } from "./place.ts";

/** The keys of JSON in which two worlds differ however they were made, and why. */
const OTHER_KEYS: { readonly [key: string]: string } = {
  ifindex: "the kernel counts the interfaces of a namespace",
  link_index: "as ifindex, of the other end",
  link_netnsid: "the kernel counts the namespaces that a namespace has met",
  link_netns: "tells the name of the namespace where `ip` knows one",
  parent_dev: "a device of the machine",
  handle: "nft counts what it is given",
  metainfo: "tells the version of nft",
  hello_timer: "a time",
  tcn_timer: "a time",
  topology_change_timer: "a time",
  topology_change: "true for a moment after a port has come up",
  topology_change_detected: "as topology_change",
  gc_timer: "a time",
  hold_timer: "a time",
  message_age_timer: "a time",
  forward_delay_timer: "a time",
  port_id: "the kernel counts the ports of a bridge",
  port_no: "as port_id",
  no: "as port_id",
  designated_port: "as port_id",
  id: "as port_id",
  packets: "a counter",
  bytes: "a counter",
  stats: "a counter",
  refcnt: "a counter",
  bind: "a counter",
  ref: "a counter",
  users: "a counter",
  used: "a time",
  updated: "a time",
  confirmed: "a time",
  installed: "a time",
  lastuse: "a time",
};

/** What a person would not type, and Pontoon needs to find its own things. */
const OWN_KEYS: { readonly [key: string]: string } = {
  ifalias: "the alias by which DEL and GC know an attachment's interfaces",
  comment: "the owner of an element of nftables",
};

/** Sysctls that no script and no ADD sets, and that change by themselves or are drawn. */
const OTHER_SYSCTLS =
  /stable_secret|nf_conntrack_count|tcp_fastopen_key|base_reachable_time|nf_conntrack_buckets|\.ipfrag_|route\.(flush|gc)|tcp_mem|udp_mem|sctp_mem|inet_peer|mtu_probe/;

const COMMANDS = [
  "ip -j -d link show",
  "ip -j -d address show",
  "ip -j -d -4 route show table all",
  "ip -j -d -6 route show table all",
  "ip -j -4 rule show",
  "ip -j -6 rule show",
  "ip -j neigh show",
  "bridge -j -d link show",
  "bridge -j vlan show",
  "bridge -j fdb show",
  "tc -j qdisc show",
  "nft -j list ruleset",
];

/** Prints a heading and the answer of each command, the filters of each interface, and all sysctls. */
const ASK = [
  ...COMMANDS.map((command) => `echo "@ ${command}"; ${command}; echo`),
  "for dev in $(ip -o link show | sed 's/^[0-9]*: \\([^:@]*\\).*/\\1/'); do",
  '  echo "@ tc -j filter show dev $dev"; tc -j filter show dev "$dev" parent ffff: 2> /dev/null; echo',
  "done",
  'echo "@ sysctl"; grep -rs "" /proc/sys/net',
].join("\n");

/** A namespace's facts, each a line. */
export async function factsOf(place: Place): Promise<string[]> {
  const { stdout } = await place.exec(["sh", "-c", ASK]);
  const answers = stdout.split(/^@ /m).slice(1);
  let links: DrawnLink[] = [];
  const facts = answers.flatMap((answer) => {
    const [command = "", ...lines] = answer.split("\n");
    const text = lines.join("\n").trim();
    if (command === "sysctl") return lines.filter((line) => line !== "" && !OTHER_SYSCTLS.test(line));
    const value = (text === "" ? [] : JSON.parse(text)) as unknown[] & { nftables?: unknown[] };
    if (command.includes("link show") && links.length === 0) links = value as DrawnLink[];
    return value.nftables?.map((rule) => `nft ${jsonText(rule)}`) ?? linesOf(command, value);
  });
  return withoutDrawnMacs(facts, links);
}

interface DrawnLink {
  ifname: string;
  address?: string;
}

function linesOf(command: string, values: unknown[]): string[] {
  return values
    .filter((value) => !isLearned(command, value))
    .map((value) => `${command}: ${jsonText(value)}`);
}

/** An entry that a bridge has learned by itself, and forgets by itself. */
function isLearned(command: string, value: unknown): boolean {
  const { state, flags = [] } = value as { state?: string; flags?: string[] };
  return command.startsWith("bridge -j fdb") && state === "" && !flags.includes("self");
}

function jsonText(value: unknown): string {
  return JSON.stringify(value, (key, inside: unknown) => {
    if (key in OTHER_KEYS || key in OWN_KEYS) return undefined;
    // Of an end without a carrier: the kernel looks for the number of the other end in this namespace, and
    // finds another interface there (default_operstate in net/core/link_watch.c).
    if (inside === "LOWERLAYERDOWN") return "DOWN";
    // An element with a comment is an object around its value.
    if (typeof inside === "object" && inside !== null && "elem" in inside) {
      const { elem } = inside as { elem: unknown };
      if (typeof elem === "object" && elem !== null && "val" in elem) return (elem as { val: unknown }).val;
    }
    return inside;
  });
}

/**
 * The MACs that an ADD draws by chance (of the bridge, of the node's ends, of the ifb) by the names of their
 * interfaces, with the IPv6 addresses that follow from them. The pod's own MAC stays.
 */
function withoutDrawnMacs(facts: string[], links: readonly DrawnLink[]): string[] {
  let text = facts.join("\n");
  for (const { ifname, address } of links) {
    if (address === undefined || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(address)) continue;
    if (address === "00:00:00:00:00:00" || !isDrawn(ifname)) continue;
    const local = linkLocalOf(macBytes(address));
    // The bridge shows its number without zeros; a multicast MAC ends with the end of the address.
    const number = address.replaceAll(/\b0(?=[0-9a-f])/g, "");
    for (const [drawn, word] of [
      [address, "MAC"],
      [number, "MAC"],
      [formatAddress(local), "address"],
      [`33:33:ff:${address.slice(-8)}`, "group"],
    ] as const)
      text = text.replaceAll(drawn, `<${word} of ${ifname}>`);
  }
  // The order of rules counts, and that of all else does not.
  const lines = text.split("\n");
  const isRule = (line: string): boolean => line.startsWith("nft ");
  return [...lines.filter((line) => !isRule(line)).sort(), ...lines.filter(isRule)];
}

/** The names of interfaces on the node that Pontoon makes, or the bridges of the tests. */
function isDrawn(name: string): boolean {
  return /^(veth[0-9a-f]{11}|pifb|wire[0-9a-f]|cni0|pods0)/.test(name);
}
