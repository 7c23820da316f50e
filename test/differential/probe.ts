// Everything that can be seen of the node and of pod red: links, addresses, routes of all tables, kernel settings; of
// the node also rules, files and how a bridge got its MAC. One shell does all the looking, because the table is long.
import type { World } from "../support/world.ts";
import { flatten, type Facts } from "./facts.ts";
import { addressFacts, linkFacts, type LinkJson, type Names, routeFacts } from "./probe-network.ts";
import { ruleFacts } from "./probe-rules.ts";

/** Where the world's links are shown as files: a sysfs of its own. */
export const SYSFS = "/run/world/sys";

const MARK = "\u001e";

/** Kernel settings that one of the plugins makes, or that follow from those; reading all 1,200 takes longer than an ADD. */
const SETTINGS = [
  "accept_dad", "accept_ra", "accept_redirects", "addr_gen_mode", "arp_notify", "autoconf", "disable_ipv6", "enhanced_dad", "forwarding",
  "keep_addr_on_down", "mtu", "ndisc_notify", "optimistic_dad", "proxy_arp", "route_localnet", "rp_filter", "use_tempaddr",
];

/** Of any place. One `ip` for all that it knows: routes of all tables are those of both families. */
const NETWORK = [
  "printf 'address show\\nroute show table all\\n' | ip -j -d -batch -",
  `cd /proc/sys/net; grep -sZ "" ipv4/ip_forward bridge/* ${SETTINGS.map((name) => `ipv?/conf/*/${name}`).join(" ")}`,
];

/** Of the node alone. */
const NODE = [
  "nft -j list ruleset",
  "bridge -j vlan show",
  "find /var/lib/cni /run -mindepth 1 -path /run/world -prune -o -path /run/netns -prune -o -printf '%y %m %p\\n'",
  `grep -rsZ "" /var/lib/cni/networks /var/lib/cni/other; grep -sZ "" ${SYSFS}/class/net/*/addr_assign_type`,
];

const script = (commands: string[]): string => commands.map((command) => `${command}; printf '${MARK}'`).join("; ");
const LOOK = `${script([...NODE, ...NETWORK])}; exec nsenter --net=/run/netns/red sh -c "$1"`;

/** What was there at one moment. */
export interface Look {
  node: LinkJson[];
  red: LinkJson[];
  facts(names: Names): Facts;
}

export async function look({ host }: World): Promise<Look> {
  const { stdout } = await host.exec(["sh", "-c", LOOK, "sh", script(NETWORK)]);
  const [rules = "", vlans = "", files = "", contents = "", ofNode = "", nodeSettings = "", ofRed = "", redSettings = ""] = stdout.split(MARK);
  const [node, red] = [parseSeen(ofNode, nodeSettings), parseSeen(ofRed, redSettings)];
  return {
    node: node.links,
    red: red.links,
    facts: (names) => {
      const facts: Facts = new Map();
      placeFacts("node", node, names, facts);
      placeFacts("red", red, names, facts);
      ruleFacts(JSON.parse(rules), facts);
      vlanFacts(vlans, names, facts);
      fileFacts(files, facts);
      contentFacts(contents, names, facts);
      return facts;
    },
  };
}

interface Seen {
  links: LinkJson[];
  routes: unknown[];
  settings: string;
}

function placeFacts(place: string, { links, routes, settings }: Seen, names: Names, facts: Facts): void {
  linkFacts(place, links, names, facts);
  addressFacts(place, links, names, facts);
  routeFacts(place, routes, names, facts);
  for (const [file, value] of pairs(settings)) {
    const path = file.split("/").map((part, at) => (at === 2 ? names.of(part) : part)).join("/");
    facts.set(`${place}.sysctl.${path}`, value);
  }
}

function vlanFacts(text: string, names: Names, facts: Facts): void {
  for (const { ifname, ...rest } of JSON.parse(text || "[]") as { ifname: string }[]) flatten(rest, `node.vlan.${names.of(ifname)}`, facts);
}

function fileFacts(text: string, facts: Facts): void {
  for (const line of text.split("\n").filter(Boolean)) {
    const [kind, mode, path = ""] = line.split(" ");
    facts.set(`node.file.${path.replace(/[0-9a-f]{12,}/, "HASH")}`, `${kind} ${mode}`);
  }
}

/** Leases, which have two lines, and how links got their MACs (3: somebody set it). */
function contentFacts(text: string, names: Names, facts: Facts): void {
  for (const [path, line] of pairs(text)) {
    const link = path.startsWith(SYSFS) ? path.split("/").at(-2) ?? "" : undefined;
    if (link === undefined) facts.set(`node.lease.${path}`, `${facts.get(`node.lease.${path}`) ?? ""} ${line}`.trim());
    else if (!link.startsWith("veth")) facts.set(`node.link.${names.of(link)}.MAC is pinned`, String(line === "3"));
  }
}

/** Lines of grep -Z: a path, a zero byte, a line of that file. */
function pairs(text: string): [path: string, value: string][] {
  return text.split("\n").filter(Boolean).map((line) => [line.slice(0, line.indexOf("\0")), line.slice(line.indexOf("\0") + 1).trim()]);
}

/** Two lists, one a line. */
function parseSeen(text: string, settings: string): Seen {
  const [links = "", routes = ""] = text.trim().split("\n");
  return { links: JSON.parse(links), routes: JSON.parse(routes || "[]"), settings };
}
