// The address ranges of `ipam`, with the rules of the reference host-local (backend/allocator/config.go,
// range.go, range_set.go).
import { type Address, familyBits, formatAddress, parseAddress } from "../ip/address.ts";
import {
  formatPrefix,
  hasHostBits,
  networkOf,
  type Prefix,
  parsePrefix,
  prefixContains,
  prefixProblem,
} from "../ip/prefix.ts";
import { type LeaseRange, prefixRange, rangesOverlap } from "../ip/range.ts";
import type { RangeShape, Shape } from "./netconf-keys.ts";
import { type Problems, quote } from "./problems.ts";

/** The rules that depend on the call. */
export interface RangeRules {
  /**
   * True: no set at all is no problem, since STATUS does not get the pools that come through runtimeConfig.
   */
  mayBeEmpty: boolean;
  /** True: a gateway outside of its subnet is a problem, since the bridge is to be the gateway. */
  gatewayInSubnet: boolean;
  /** False: all addresses are for pods, so a subnet of two addresses will do. */
  hasGateways: boolean;
}

/**
 * The range sets: those of runtimeConfig, then the old top-level range, then the list. Every wrong value is
 * reported; a set with a problem is left out of the answer.
 */
export function parseRangeSets(
  { ipam = {}, runtimeConfig }: Shape,
  { mayBeEmpty, ...rules }: RangeRules,
  problems: Problems,
): LeaseRange[][] {
  const sets: Parsed[] = [];
  const addSet = (set: SetShape, path: string): void => {
    sets.push({ path, ranges: parseSet(set, path, { problems, ...rules }) });
  };
  const addAll = (list: readonly SetShape[], name: string): void => {
    let index = 0;
    for (const set of list) addSet(set, `${name}[${index++}]`);
  };
  if (runtimeConfig?.ipRanges !== undefined) addAll(runtimeConfig.ipRanges, "runtimeConfig.ipRanges");
  if (ipam.subnet !== undefined) addSet([ipam], "ipam");
  if (ipam.ranges !== undefined) addAll(ipam.ranges, "ipam.ranges");
  if (
    sets.length === 0 &&
    !mayBeEmpty &&
    !problems.concern("ipam.ranges") &&
    !problems.concern("ipam.subnet") &&
    !problems.concern("runtimeConfig")
  ) {
    problems.addAt(
      "ipam.ranges",
      'no IP ranges specified; give at least one, as in [[{ "subnet": "10.1.0.0/16" }]]',
    );
  }
  checkSetsApart(sets, problems);
  return sets.map(({ ranges }) => ranges);
}

type SetShape = readonly RangeShape[];

/** The reading of ranges. */
interface Reading extends Pick<RangeRules, "gatewayInSubnet" | "hasGateways"> {
  problems: Problems;
}

/** The ranges of one set, with the place of the set in the configuration. */
interface Parsed {
  path: string;
  ranges: LeaseRange[];
}

function checkSetsApart(sets: Parsed[], problems: Problems): void {
  let index = 0;
  for (const { path, ranges } of sets) {
    for (let at = 0; at < index; at++) {
      const earlier = sets[at];
      if (earlier === undefined || !setsOverlap(ranges, earlier.ranges)) continue;
      problems.addAt(
        path,
        `range set ${index} overlaps with ${at} (${earlier.path}): ${listText(ranges)} and ${listText(earlier.ranges)}`,
      );
    }
    index++;
  }
}

function setsOverlap(a: LeaseRange[], b: LeaseRange[]): boolean {
  for (const one of a) for (const other of b) if (rangesOverlap(one, other)) return true;
  return false;
}

/**
 * The ranges of a set. A pod gets one address of each set, so the ranges have one family and do not overlap.
 */
function parseSet(set: SetShape, path: string, on: Reading): LeaseRange[] {
  const { problems } = on;
  if (set.length === 0) problems.add(path, set, "empty range set; give it at least one range");
  const ranges: LeaseRange[] = [];
  let index = 0;
  for (const source of set) {
    const at = path === "ipam" ? path : `${path}[${index}]`;
    index++;
    const range = parseRange(source, at, on);
    if (range === undefined) continue;
    const [first] = ranges;
    if (first !== undefined && first.first.family !== range.first.family) {
      problems.add(
        `${at}.subnet`,
        source.subnet,
        `mixed address families in one range set; give IPv4 and IPv6 a set each`,
      );
      continue;
    }
    for (const other of ranges)
      if (rangesOverlap(other, range))
        problems.addAt(at, `subnets ${rangeText(range)} and ${rangeText(other)} overlap`);
    ranges.push(range);
  }
  return ranges;
}

function parseRange(source: RangeShape, path: string, on: Reading): LeaseRange | undefined {
  const { problems } = on;
  const subnet = parseSubnet(source.subnet, `${path}.subnet`, on);
  if (subnet === undefined) return undefined;
  const { family, value } = subnet.address;
  const end = prefixRange(subnet).last;
  const address = (key: AddressKey, fallback: bigint): Address | undefined => {
    const text = source[key] ?? "";
    if (text === "") return { family, value: fallback };
    const read = parseFamilyAddress(text, key, { subnet, ...on });
    if (typeof read !== "string") return read;
    problems.add(`${path}.${key}`, text, read);
    return undefined;
  };
  // A subnet of two addresses has neither a network nor a broadcast address (RFC 3021, RFC 6164).
  const isPair = end.value === value + 1n;
  const first = address("rangeStart", isPair ? value : value + 1n);
  // The last IPv4 address of a subnet is its broadcast address; IPv6 has none.
  const last = address("rangeEnd", family === 4 && !isPair ? end.value - 1n : end.value);
  const gateway = on.hasGateways ? address("gateway", value + 1n) : refuseGateway(source, path, problems);
  if (first === undefined || last === undefined || (gateway === undefined && on.hasGateways))
    return undefined;
  if (first.value > last.value) {
    problems.add(
      `${path}.rangeStart`,
      formatAddress(first),
      `must not come after the end of the range, ${formatAddress(last)}`,
    );
    return undefined;
  }
  return { subnet, first, last, gateway };
}

/** Reports the gateway of a range on a link without one. */
function refuseGateway({ gateway = "" }: RangeShape, path: string, problems: Problems): undefined {
  if (gateway !== "")
    problems.add(
      `${path}.gateway`,
      gateway,
      'makes no sense with "attach": "wire": all addresses are for pods; give ipam.routes a gw instead',
    );
}

function parseSubnet(
  text: string | undefined,
  path: string,
  { problems, hasGateways }: Reading,
): Prefix | undefined {
  if (text === undefined) {
    problems.addAt(path, 'is missing; it must be a network with its prefix length, as in "10.1.0.0/16"');
    return undefined;
  }
  const prefix = parsePrefix(text);
  if (prefix === undefined) {
    problems.add(path, text, prefixProblem(text, 'a network with its prefix length, as in "10.1.0.0/16"'));
  } else if (hasHostBits(prefix)) {
    const network = formatAddress(networkOf(prefix).address);
    problems.add(
      path,
      text,
      `Network has host bits set. For a subnet mask of length ${prefix.length} the network address is ${network}`,
    );
  } else if (prefix.length > familyBits(prefix.address.family) - (hasGateways ? 2 : 1)) {
    const longest = familyBits(prefix.address.family) - (hasGateways ? 2 : 1);
    problems.add(
      path,
      text,
      `Network ${text} too small to allocate from; its prefix length may be ${longest} at most`,
    );
  } else {
    return prefix;
  }
  return undefined;
}

type AddressKey = "rangeStart" | "rangeEnd" | "gateway";

/**
 * The address, or a sentence about what is wrong with it. A gateway may lie outside of the subnet where
 * another router has it, the ends of a range may not.
 */
function parseFamilyAddress(
  text: string,
  key: AddressKey,
  { subnet, gatewayInSubnet }: Pick<Reading, "gatewayInSubnet"> & { subnet: Prefix },
): Address | string {
  const address = parseAddress(text);
  if (address === undefined) return "must be an IP address";
  if (address.family !== subnet.address.family)
    return `must be of the family of its subnet, IPv${subnet.address.family}`;
  if (prefixContains(subnet, address) || (key === "gateway" && !gatewayInSubnet)) return address;
  if (key === "gateway")
    return `not in network ${formatPrefix(subnet)}, so the bridge cannot be this gateway of its pods; give an address of the subnet, or set isGateway and isDefaultGateway to false where another router has it`;
  const name = key === "rangeStart" ? "RangeStart" : "RangeEnd";
  return `${name} ${text} not in network ${formatPrefix(subnet)}`;
}

function rangeText({ first, last }: LeaseRange): string {
  return `${formatAddress(first)}-${formatAddress(last)}`;
}

function listText(ranges: readonly LeaseRange[]): string {
  return quote(ranges.map(rangeText).join(",")).slice(1, -1);
}
