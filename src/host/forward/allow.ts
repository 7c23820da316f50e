// The command by which a person lets a network's packets pass a firewall.
import type { Family } from "../../ip/address.ts";
import { findIptables } from "../../iptables/program.ts";
import { FILTER, iptablesOf } from "../../iptables/table.ts";
import { shellWord } from "../difference.ts";
import type { PodTraffic } from "./drop.ts";
import type { FirewallHook } from "./hook.ts";

/** The program's name, with its variant where the node has a program of that name. */
function programOf(family: Family, by: FirewallHook["by"]): string {
  const variant = by === "iptables" ? "-nft" : "-legacy";
  const name = iptablesOf(family);
  return findIptables(family, [variant]) === undefined ? name : `${name}${variant}`;
}

/**
 * The packets that are to pass: those of an interface, or where the pods have one each, those of a subnet.
 */
export interface Allowed {
  entry: string | undefined;
  subnet: string;
  traffic: PodTraffic;
}

/** The command that puts rules in front of all others of the hook. */
export function allowCommand(hook: FirewallHook, { entry, subnet, traffic }: Allowed): string {
  const { by, place, stage, tableName } = hook;
  if (stage !== "forward" || (by !== "nft" && tableName !== FILTER.table))
    return allowSubnetCommand(hook, subnet, traffic.family);
  if (by !== "nft") {
    const program = programOf(traffic.family, by);
    const states = `RELATED,ESTABLISHED${traffic.hasHostPorts ? ",DNAT" : ""}`;
    const [from, to] =
      entry === undefined
        ? [`-s ${subnet}`, `-d ${subnet}`]
        : [`-i ${shellWord(entry)}`, `-o ${shellWord(entry)}`];
    return `${program} -I FORWARD ${from} -j ACCEPT && ${program} -I FORWARD ${to} -m conntrack --ctstate ${states} -j ACCEPT`;
  }
  const ip = traffic.family === 4 ? "ip" : "ip6";
  const [from, to] =
    entry === undefined
      ? [`${ip} saddr ${subnet}`, `${ip} daddr ${subnet}`]
      : [`iifname ${shellWord(entry)}`, `oifname ${shellWord(entry)}`];
  const insert = `nft insert rule ${place}`;
  const ports = traffic.hasHostPorts ? ` && ${insert} ${to} ct status dnat accept` : "";
  return `${insert} ${from} accept && ${insert} ${to} ct state established,related accept${ports}`;
}

/** At other hooks one of the interfaces is not known, and perhaps the connection. */
function allowSubnetCommand(hook: FirewallHook, subnet: string, family: Family): string {
  const { by, place } = hook;
  const ip = family === 4 ? "ip" : "ip6";
  if (by === "nft")
    return ["saddr", "daddr"]
      .map((side) => `nft insert rule ${place} ${ip} ${side} ${subnet} accept`)
      .join(" && ");
  const insert = `${programOf(family, by)} -t ${hook.tableName} -I ${hook.base}`;
  return `${insert} -s ${subnet} -j ACCEPT && ${insert} -d ${subnet} -j ACCEPT`;
}

/** The advice for a hook at which no command of one line lets pods' packets alone pass. */
export function allowAdvice({ by, place, tableName, base }: FirewallHook, family: Family): string {
  if (by === "nft" || by === "ebtables")
    return `Let those packets pass, or take the chain away: nft delete chain ${place}`;
  return `Let those packets pass; "${programOf(family, by)} -t ${tableName} -S ${base}" lists the rules`;
}

/**
 * The command that puts rules for a subnet in front of all others of a hook that sees frames, and rules for
 * the messages by which neighbours find each other.
 */
export function allowFramesCommand(hook: FirewallHook, subnet: string, family: Family): string {
  const { by, place, tableName, base } = hook;
  const rules = by === "ebtables" ? EBTABLES_RULES[family] : NFT_RULES[family];
  const insert =
    by === "ebtables"
      ? `ebtables ${tableName === FILTER.table ? "" : `-t ${tableName} `}-I ${base}`
      : `nft insert rule ${place}`;
  return rules.map((rule) => `${insert} ${rule.replace("SUBNET", subnet)}`).join(" && ");
}

const NFT_RULES = {
  4: ["ip saddr SUBNET accept", "ip daddr SUBNET accept", "ether type arp accept"],
  6: [
    "ip6 saddr SUBNET accept",
    "ip6 daddr SUBNET accept",
    "icmpv6 type '{ nd-neighbor-solicit, nd-neighbor-advert }' accept",
  ],
} as const;

const EBTABLES_RULES = {
  4: ["-p IPv4 --ip-src SUBNET -j ACCEPT", "-p IPv4 --ip-dst SUBNET -j ACCEPT", "-p ARP -j ACCEPT"],
  6: [
    "-p IPv6 --ip6-src SUBNET -j ACCEPT",
    "-p IPv6 --ip6-dst SUBNET -j ACCEPT",
    "-p IPv6 --ip6-proto ipv6-icmp -j ACCEPT",
  ],
} as const;
