// The command by which a person lets a network's packets pass a firewall.
import type { Family } from "../../ip/address.ts";
import { findIptables } from "../../iptables/program.ts";
import { shellWord } from "../difference.ts";
import type { PodTraffic } from "./drop.ts";
import type { ForwardHook } from "./hook.ts";

/** The program's name, with its variant where the node has a program of that name. */
function programOf(family: Family, by: ForwardHook["by"]): string {
  const variant = by === "iptables" ? "-nft" : "-legacy";
  const name = family === 4 ? "iptables" : "ip6tables";
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
export function allowCommand({ by, place }: ForwardHook, { entry, subnet, traffic }: Allowed): string {
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

/**
 * The command that puts rules for a subnet in front of all others of a hook that sees frames, and rules for
 * the messages by which neighbours find each other.
 */
export function allowFramesCommand({ by, place }: ForwardHook, subnet: string, family: Family): string {
  const rules = by === "ebtables" ? EBTABLES_RULES[family] : NFT_RULES[family];
  const insert = by === "ebtables" ? "ebtables -I FORWARD" : `nft insert rule ${place}`;
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
