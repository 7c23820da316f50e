// Everything that can be seen of the node and of pod red: links, addresses, routes of all tables, kernel
// settings; of the node also rules, files and how a bridge got its MAC. One shell does all the looking,
// because the table is long.
import type { World } from "../support/world.ts";
import { type Facts, flatten } from "./facts.ts";
import { fileFacts, isPinned } from "./probe-files.ts";
import { addressFacts, type LinkJson, linkFacts, type Names, routeFacts } from "./probe-network.ts";
import { ruleFacts } from "./probe-rules.ts";

const MARK = "\u001e";

/**
 * Kernel settings that one of the plugins makes, or that follow from those; reading all 1,200 takes longer
 * than an ADD.
 */
const SETTINGS = [
  "accept_dad",
  "accept_ra",
  "accept_redirects",
  "addr_gen_mode",
  "arp_notify",
  "autoconf",
  "disable_ipv6",
  "enhanced_dad",
  "forwarding",
  "keep_addr_on_down",
  "mtu",
  "ndisc_notify",
  "optimistic_dad",
  "proxy_arp",
  "route_localnet",
  "rp_filter",
  "use_tempaddr",
];

/** One `ip` for all that it knows: routes of all tables are those of both families. */
const NETWORK = `ip -j -d -batch - <<END
address show
route show table all
END
printf '${MARK}'
cd /proc/sys/net; grep -sZ "" ipv4/ip_forward bridge/* ${SETTINGS.map((name) => `ipv?/conf/*/${name}`).join(" ")}
printf '${MARK}'`;

const LOOK = `nft -j list ruleset; printf '${MARK}'\n${NETWORK}\nexec nsenter --net=/run/netns/red sh -c "$1"`;

/** What was there at one moment. */
export interface Look {
  node: LinkJson[];
  red: LinkJson[];
  facts(names: Names): Facts;
}

export async function look(world: World): Promise<Look> {
  const { stdout } = await world.host.exec(["sh", "-c", LOOK, "sh", NETWORK]);
  const [rules = "", ofNode = "", nodeSettings = "", ofRed = "", redSettings = ""] = stdout.split(MARK);
  const [node, red] = [parseSeen(ofNode, nodeSettings), parseSeen(ofRed, redSettings)];
  const vlans = node.links.some(filtersVlans)
    ? await world.host.json<{ ifname: string }[]>("bridge -j vlan show")
    : [];
  const pinned = node.links
    .filter(({ ifname }) => !ifname.startsWith("veth"))
    .map(({ ifname }) => [ifname, isPinned(world, ifname)] as const);
  const files: Facts = new Map();
  fileFacts(world, files);
  return {
    node: node.links,
    red: red.links,
    facts: (names) => {
      const facts: Facts = new Map(files);
      placeFacts("node", node, names, facts);
      placeFacts("red", red, names, facts);
      ruleFacts(JSON.parse(rules), facts);
      for (const { ifname, ...rest } of vlans) flatten(rest, `node.vlan.${names.of(ifname)}`, facts);
      for (const [name, value] of pinned)
        facts.set(`node.link.${names.of(name)}.MAC is pinned`, String(value));
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
    const path = file
      .split("/")
      .map((part, at) => (at === 2 ? names.of(part) : part))
      .join("/");
    facts.set(`${place}.sysctl.${path}`, value);
  }
}

function filtersVlans({ linkinfo }: LinkJson): boolean {
  return linkinfo?.info_data?.["vlan_filtering"] === 1;
}

/** Lines of grep -Z: a path, a zero byte, a line of that file. */
function pairs(text: string): [path: string, value: string][] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => [line.slice(0, line.indexOf("\0")), line.slice(line.indexOf("\0") + 1).trim()]);
}

/** Two lists, one a line. */
function parseSeen(text: string, settings: string): Seen {
  const [links = "", routes = ""] = text.trim().split("\n");
  return { links: JSON.parse(links), routes: JSON.parse(routes || "[]"), settings };
}
