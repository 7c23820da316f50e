// The command by which a person lets a network's packets pass a firewall.
import type { Family } from "../../ip/address.ts";
import { findIptables } from "../../iptables/program.ts";
import { shellWord } from "../difference.ts";
import type { PodTraffic } from "./drop.ts";
import type { ForwardHook } from "./hook.ts";

/** The program's name, with its variant where the node has a program of that name. */
function programOf(family: Family, by: "iptables" | "iptables-legacy"): string {
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
