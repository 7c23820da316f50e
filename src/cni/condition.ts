// Conditions of host ports, in the words of iptables or of nft, as the reference `portmap` takes them for its backends.
// Loaded for those who want them, so it is written plainly.
import type { Family } from "../ip/address.ts";
import { parseAddress } from "../ip/address.ts";
import { formatPrefix, networkOf, parsePrefix } from "../ip/prefix.ts";
import type { Problems } from "./problems.ts";

/** A packet to a host port must be like that to be led to the pod; with `not` it must not. */
export interface PortCondition {
  /** Where it comes from, where it goes to, and the interface that it came in by (none for the node's own). */
  field: "saddr" | "daddr" | "iifname";
  not: boolean;
  /** A subnet, or the name of an interface; a star at its end stands for any end. */
  value: string;
}

const IPTABLES = new Map<string, PortCondition["field"]>([
  ["-s", "saddr"], ["--source", "saddr"], ["--src", "saddr"],
  ["-d", "daddr"], ["--destination", "daddr"], ["--dst", "daddr"],
  ["-i", "iifname"], ["--in-interface", "iifname"],
]);

const NFT = new Map<string, PortCondition["field"]>([["saddr", "saddr"], ["daddr", "daddr"], ["iifname", "iifname"]]);

const EQUAL = ["==", "eq"];
const UNEQUAL = ["!=", "ne"];
/** IFNAMSIZ without its final zero (linux/if.h). */
const NAME_BYTES = 15;

/**
 * Reads `conditionsV4` or `conditionsV6`: words, all of which are one text. It is iptables when it starts with a minus or an
 * exclamation mark, else nft. All conditions have to be met. What Pontoon does not know is reported.
 */
export function readConditions(words: readonly string[], family: Family, key: string, problems: Problems): PortCondition[] {
  const rest = words.flatMap((word) => word.split(/\s+/)).filter((word) => word !== "");
  const isIptables = /^[-!]/.test(rest[0] ?? "");
  const conditions: PortCondition[] = [];
  while (rest.length > 0) {
    const start = rest.join(" ");
    const condition = isIptables ? takeIptables(rest) : takeNft(rest, family);
    const problem = condition === undefined ? unknown(isIptables, family) : valueProblem(condition, family);
    if (problem !== undefined || condition === undefined) {
      problems.add(key, start, problem ?? "");
      return [];
    }
    conditions.push({ ...condition, value: condition.field === "iifname" ? condition.value : subnetText(condition.value) ?? "" });
  }
  return conditions;
}

/** `! -d 192.0.2.0/24` */
function takeIptables(rest: string[]): PortCondition | undefined {
  const not = rest[0] === "!";
  if (not) rest.shift();
  const field = IPTABLES.get(rest.shift() ?? "");
  const value = rest.shift();
  return field === undefined || value === undefined ? undefined : { field, not, value: field === "iifname" ? value.replace(/\+$/, "*") : value };
}

/** `ip daddr != 192.0.2.0/24`, `iifname "eth*"` */
function takeNft(rest: string[], family: Family): PortCondition | undefined {
  const head = family === 4 ? "ip" : "ip6";
  const isAddress = rest[0] === head;
  if (isAddress || rest[0] === "meta") rest.shift();
  const field = NFT.get(rest.shift() ?? "");
  if (field === undefined || isAddress === (field === "iifname")) return undefined;
  const not = UNEQUAL.includes(rest[0] ?? "");
  if (not || EQUAL.includes(rest[0] ?? "")) rest.shift();
  const value = rest.shift();
  return value === undefined ? undefined : { field, not, value: field === "iifname" ? value.replace(/^"(.*)"$/, "$1") : value };
}

function unknown(isIptables: boolean, family: Family): string {
  const ip = family === 4 ? "ip" : "ip6";
  const known = isIptables ? "-s, -d and -i, each with ! before it or without" : `${ip} saddr, ${ip} daddr and iifname, each with != or without`;
  return `is no condition that Pontoon knows; it knows ${known}`;
}

function valueProblem({ field, value }: PortCondition, family: Family): string | undefined {
  if (field !== "iifname") return familyOf(value) === family ? undefined : `"${value}" must be an IPv${family} address or subnet`;
  const isName = value !== "" && value !== "*" && new TextEncoder().encode(value).length <= NAME_BYTES && !/[/:\0"]/.test(value) && !value.slice(0, -1).includes("*");
  return isName ? undefined : `"${value}" must be the name of an interface, of at most ${NAME_BYTES} bytes`;
}

function familyOf(text: string): Family | undefined {
  return parseAddress(text)?.family ?? parsePrefix(text)?.address.family;
}

/** With its length, and without bits beyond it. */
function subnetText(text: string): string | undefined {
  const address = parseAddress(text);
  const prefix = address === undefined ? parsePrefix(text) : { address, length: address.family === 4 ? 32 : 128 };
  return prefix && formatPrefix(networkOf(prefix));
}
