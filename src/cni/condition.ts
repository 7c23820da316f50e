// Conditions of host ports, in the words of iptables or of nft, as the reference `portmap` takes them for its
// backends.
import { type Family, parseAddress } from "../ip/address.ts";
import { formatPrefix, networkOf, type Prefix, parsePrefix, wholeOf } from "../ip/prefix.ts";
import type { Problems } from "./problems.ts";

/** A test that a packet to a host port must pass to be led to the pod; with `not` the test must fail. */
export interface PortCondition {
  /** The tested field: source, destination, or incoming interface (packets of the node itself have none). */
  field: "saddr" | "daddr" | "iifname";
  not: boolean;
  /** A subnet, or the name of an interface; a star at its end stands for any ending. */
  value: string;
}

const IPTABLES = new Map<string, PortCondition["field"]>([
  ["-s", "saddr"],
  ["--source", "saddr"],
  ["--src", "saddr"],
  ["-d", "daddr"],
  ["--destination", "daddr"],
  ["--dst", "daddr"],
  ["-i", "iifname"],
  ["--in-interface", "iifname"],
]);

const NFT = new Map<string, PortCondition["field"]>([
  ["saddr", "saddr"],
  ["daddr", "daddr"],
  ["iifname", "iifname"],
]);

const EQUAL = ["==", "eq"];
const UNEQUAL = ["!=", "ne"];
/** IFNAMSIZ without its final zero (linux/if.h). */
const NAME_BYTES = 15;
/** The most conditions: each is a rule, and all rules of a chain have to fit into one batch. */
const MOST = 64;

/**
 * Reads `conditionsV4` or `conditionsV6`: words that together are one text. The text is in the language of
 * iptables when it starts with a minus or an exclamation mark, else in that of nft. A packet has to meet all
 * conditions. Words that Pontoon does not know are reported.
 */
export function readConditions(
  words: readonly string[],
  family: Family,
  problems: Problems,
): PortCondition[] {
  const rest = new Words(words);
  const isIptables = /^[-!]/.test(rest.peek() ?? "");
  const conditions: PortCondition[] = [];
  while (rest.peek() !== undefined) {
    const start = rest.shown;
    const condition = isIptables ? takeIptables(rest) : takeNft(rest, family);
    const problem =
      conditions.length === MOST
        ? `there are more than ${MOST} conditions`
        : problemOf(condition, isIptables, family);
    if (condition === undefined || problem !== undefined) {
      problems.add(`conditionsV${family}`, start, problem ?? "");
      return [];
    }
    conditions.push(normalised(condition));
  }
  return conditions;
}

/** The words that are left to read. A comparison may be written without a space before its value. */
class Words {
  private readonly words: string[];
  private at = 0;

  constructor(words: readonly string[]) {
    this.words = words.flatMap((word) => word.split(/\s+|(?<=[!=]=)/)).filter((word) => word !== "");
  }

  peek(): string | undefined {
    return this.words[this.at];
  }

  next(): string | undefined {
    return this.words[this.at++];
  }

  /** Passes over the next word if it is one of `words`. True when it was. */
  skip(...words: string[]): boolean {
    const isOne = words.includes(this.peek() ?? "");
    if (isOne) this.at++;
    return isOne;
  }

  /** The next few words, for people. */
  get shown(): string {
    return this.words.slice(this.at, this.at + 4).join(" ");
  }
}

/** `! -d 192.0.2.0/24` */
function takeIptables(rest: Words): PortCondition | undefined {
  const not = rest.skip("!");
  const field = IPTABLES.get(rest.next() ?? "");
  const value = rest.next();
  if (field === undefined || value === undefined) return undefined;
  // In iptables a star is a letter like any other, and no interface name holds one.
  return { field, not, value: field === "iifname" ? value.replaceAll("*", "?").replace(/\+$/, "*") : value };
}

/** `ip daddr != 192.0.2.0/24`, `iifname "eth*"` */
function takeNft(rest: Words, family: Family): PortCondition | undefined {
  const isAddress = rest.skip(family === 4 ? "ip" : "ip6");
  if (!isAddress) rest.skip("meta");
  const field = NFT.get(rest.next() ?? "");
  if (field === undefined || isAddress === (field === "iifname")) return undefined;
  const not = rest.skip(...UNEQUAL);
  if (!not) rest.skip(...EQUAL);
  const value = rest.next();
  return value === undefined
    ? undefined
    : { field, not, value: field === "iifname" ? value.replace(/^"(.*)"$/, "$1") : value };
}

function problemOf(
  condition: PortCondition | undefined,
  isIptables: boolean,
  family: Family,
): string | undefined {
  if (condition !== undefined) return valueProblem(condition, family);
  const ip = family === 4 ? "ip" : "ip6";
  const known = isIptables
    ? "-s, -d and -i, each with ! before it or without"
    : `${ip} saddr, ${ip} daddr and iifname, each with != or without`;
  return `is no condition that Pontoon knows; it knows ${known}`;
}

/**
 * The problem with a condition's value, or undefined. Names may hold only letters that have no special
 * meaning in either language.
 */
function valueProblem({ field, value }: PortCondition, family: Family): string | undefined {
  if (field !== "iifname")
    return subnetOf(value)?.address.family === family
      ? undefined
      : `"${value}" must be an IPv${family} address or subnet`;
  return /^[\w.][\w.-]*\*?$/.test(value) && value.length <= NAME_BYTES
    ? undefined
    : `must have the name of an interface, of letters, digits and . _ -, at most ${NAME_BYTES}`;
}

/** The subnet that a text names; an address is a subnet with one member. */
function subnetOf(text: string): Prefix | undefined {
  const address = parseAddress(text);
  return address === undefined ? parsePrefix(text) : wholeOf(address);
}

/** The condition with a subnet that has a length and no host bits. */
function normalised(condition: PortCondition): PortCondition {
  const subnet = condition.field === "iifname" ? undefined : subnetOf(condition.value);
  return subnet === undefined ? condition : { ...condition, value: formatPrefix(networkOf(subnet)) };
}
