// The state of a world as lines of text, so that two moments can be compared and a difference reads like a list.
// Left out: what the kernel makes by itself and when it likes (link-local addresses, MACs nobody gave, neighbours),
// and the result cache of the runtime.
import type { Place } from "./place.ts";
import type { World } from "./world.ts";

interface LinkInfo {
  ifname: string;
  mtu: number;
  flags: string[];
  master?: string;
  promiscuity?: number;
  ifalias?: string;
  linkinfo?: { info_kind?: string };
}
interface AddressInfo {
  ifname: string;
  addr_info: { local?: string; prefixlen?: number; scope?: string }[];
}
interface RouteInfo {
  type?: string;
  dst: string;
  dev?: string;
  gateway?: string;
  table?: string;
  metric?: number;
}
type NftObject = Record<string, { family: string; table?: string; name?: string; chain?: string; elem?: unknown[]; policy?: string }>;

/** Everything in the world that a plugin may change. */
export async function snapshot(world: World): Promise<string[]> {
  const parts = await Promise.all([
    networkLines(world.host),
    ruleLines(world.host),
    nftLines(world.host),
    sysctlLines(world.host),
    fileLines(world),
    ...world.pods.map((pod) => podLines(pod)),
  ]);
  return parts.flat().sort();
}

/** What came (`+`) and went (`-`) between two snapshots. */
export function changes(before: string[], after: string[]): string[] {
  const gone = before.filter((line) => !after.includes(line)).map((line) => `- ${line}`);
  const come = after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`);
  return [...gone, ...come];
}

async function podLines(pod: Place): Promise<string[]> {
  return (await networkLines(pod)).map((line) => `${pod.name}: ${line}`);
}

async function networkLines(place: Place): Promise<string[]> {
  const links = await place.json<LinkInfo[]>("ip -j -d link show");
  const addresses = await place.json<AddressInfo[]>("ip -j address show");
  const routes4 = await place.json<RouteInfo[]>("ip -j -4 route show table all");
  const routes6 = await place.json<RouteInfo[]>("ip -j -6 route show table all");
  return [
    ...links.map(linkLine),
    ...addresses.flatMap(addressLines),
    ...[...routes4, ...routes6].filter(isLasting).map(routeLine),
  ];
}

function linkLine({ ifname, mtu, flags, master, promiscuity, ifalias, linkinfo }: LinkInfo): string {
  const words = [`link ${ifname}`, linkinfo?.info_kind, `mtu ${mtu}`, flags.includes("UP") ? "up" : "down"];
  if (master !== undefined) words.push(`master ${master}`);
  // The kernel makes every bridge port promiscuous: only a link without a master was asked to be so by somebody.
  if (promiscuity && master === undefined) words.push("promiscuous");
  if (ifalias !== undefined) words.push(`alias ${ifalias}`);
  return words.filter(Boolean).join(" ");
}

function addressLines({ ifname, addr_info }: AddressInfo): string[] {
  return addr_info.filter(({ scope }) => scope !== "link").map(({ local, prefixlen }) => `address ${ifname} ${local}/${prefixlen}`);
}

function isLasting({ type, dst, table }: RouteInfo): boolean {
  return table !== "local" && type !== "multicast" && !dst.startsWith("fe80:") && !dst.startsWith("ff00:");
}

function routeLine({ dst, dev, gateway, table, metric }: RouteInfo): string {
  const words = [`route ${dst}`, gateway && `via ${gateway}`, dev && `dev ${dev}`, table && `table ${table}`, metric && `metric ${metric}`];
  return words.filter(Boolean).join(" ");
}

async function ruleLines(host: Place): Promise<string[]> {
  const rules = `${await host.must("ip -4 rule show")}${await host.must("ip -6 rule show")}`;
  return rules.trim().split("\n").map((rule) => `rule ${rule.replaceAll(/\s+/g, " ").trim()}`);
}

async function nftLines(host: Place): Promise<string[]> {
  const { nftables } = await host.json<{ nftables: NftObject[] }>("nft -j list ruleset");
  const lines = nftables.flatMap((object) => Object.entries(object).flatMap(([kind, about]) => nftObjectLines(kind, about)));
  // Rules have no names: equal ones are told apart by their number.
  const seen = new Map<string, number>();
  return lines.map((line) => {
    const count = (seen.get(line) ?? 0) + 1;
    seen.set(line, count);
    return line.startsWith("nft rule") ? `${line} #${count}` : line;
  });
}

function nftObjectLines(kind: string, { family, table, name, chain, elem }: NftObject[string]): string[] {
  if (kind === "metainfo") return [];
  const line = `nft ${kind} ${[family, table, chain, name].filter(Boolean).join(" ")}`;
  const elements = kind === "map" || (kind === "set" && name !== undefined) ? (elem ?? []) : [];
  return [line, ...elements.map((element) => `nft element ${family} ${table} ${name} ${JSON.stringify(element)}`)];
}

/** For `all` and `default` every setting; for an interface those that are not as `default` says. */
async function sysctlLines(host: Place): Promise<string[]> {
  const folders = "net/ipv4/conf net/ipv6/conf net/ipv4/ip_forward net/bridge";
  const text = await host.must(["sh", "-c", `cd /proc/sys && grep -rs "" ${folders} || true`]);
  const settings = new Map(text.trim().split("\n").map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1)] as const;
  }));
  return [...settings]
    .filter(([path, value]) => isSet(path, value, settings))
    .map(([path, value]) => `sysctl ${path}=${value}`);
}

function isSet(path: string, value: string, settings: Map<string, string>): boolean {
  const [, family, conf, link, name] = path.split("/");
  if (conf !== "conf" || link === "all" || link === "default") return true;
  if (name === "mtu") return false;
  return settings.get(`net/${family}/conf/default/${name}`) !== value;
}

async function fileLines(world: World): Promise<string[]> {
  const skip = ["/run/world", "/run/netns", "/var/lib/cni/results"].flatMap((path) => ["-path", path, "-prune", "-o"]);
  const text = await world.host.must(["find", "/run", "/var/lib/cni", "-mindepth", "1", ...skip, "-printf", "%y %p\\n"]);
  return text.trim().split("\n").filter(Boolean).map((line) => (line.startsWith("d ") ? `folder ${line.slice(2)}` : `file ${line.slice(2)}`));
}
