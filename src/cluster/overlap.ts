// Subnets of pods that overlap each other, or hold an address of a node.
import type { Problems } from "../cni/problems.ts";
import { type Address, type Family, formatAddress } from "../ip/address.ts";
import { formatPrefix, type Prefix } from "../ip/prefix.ts";
import { prefixRange } from "../ip/range.ts";

/** The parts of a wish with subnets and addresses of nodes. */
interface Subnets {
  podSubnets: readonly Prefix[];
  routes: readonly { subnet: Prefix; via: Address }[];
  tunnel?: { local: Address; peers: readonly { subnets: readonly Prefix[]; address: Address }[] } | undefined;
}

/** A subnet of pods, as a range, with its place in the document. */
interface Placed {
  path: string;
  prefix: Prefix;
  first: bigint;
  last: bigint;
}

/** Tells every subnet of pods that overlaps another, and every address of a node that lies in one. */
export function tellOverlaps(wish: Subnets, problems: Problems): void {
  const placed = allSubnets(wish).map(([path, prefix]): Placed => {
    const { first, last } = prefixRange(prefix);
    return { path, prefix, first: first.value, last: last.value };
  });
  const addresses = allAddresses(wish);
  for (const family of [4, 6] as const) {
    const sorted = sortedOf(placed, family);
    // Subnets in order are disjoint when each ends before the next begins.
    for (const [at, { path, prefix, first }] of sorted.entries()) {
      const before = sorted[at - 1];
      if (before !== undefined && before.last >= first)
        problems.add(path, formatPrefix(prefix), `overlaps ${formatPrefix(before.prefix)} of ${before.path}`);
    }
    for (const [path, address] of addresses.filter(([, each]) => each.family === family)) {
      const holder = holderOf(address.value, sorted);
      if (holder !== undefined)
        problems.add(
          path,
          formatAddress(address),
          `lies in ${formatPrefix(holder.prefix)} of ${holder.path}, which is for pods`,
        );
    }
  }
}

function allSubnets({ podSubnets, routes, tunnel }: Subnets): [string, Prefix][] {
  return [
    ...podSubnets.map((prefix, at): [string, Prefix] => [`podSubnets[${at}]`, prefix]),
    ...routes.map(({ subnet }, at): [string, Prefix] => [`routes[${at}].subnet`, subnet]),
    ...(tunnel?.peers ?? []).flatMap(({ subnets }, at) =>
      subnets.map((prefix, index): [string, Prefix] => [`tunnel.peers[${at}].subnets[${index}]`, prefix]),
    ),
  ];
}

function allAddresses({ routes, tunnel }: Subnets): [string, Address][] {
  return [
    ...routes.map(({ via }, at): [string, Address] => [`routes[${at}].via`, via]),
    ...(tunnel === undefined ? [] : [["tunnel.local", tunnel.local] as [string, Address]]),
    ...(tunnel?.peers ?? []).map(({ address }, at): [string, Address] => [
      `tunnel.peers[${at}].address`,
      address,
    ]),
  ];
}

function sortedOf(placed: readonly Placed[], family: Family): Placed[] {
  return placed
    .filter(({ prefix }) => prefix.address.family === family)
    .sort((a, b) => (a.first === b.first ? a.prefix.length - b.prefix.length : a.first < b.first ? -1 : 1));
}

/** The last of the sorted subnets that begins at or before the value, where it holds the value. */
function holderOf(value: bigint, sorted: readonly Placed[]): Placed | undefined {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle]?.first ?? 0n) <= value) from = middle + 1;
    else to = middle;
  }
  const candidate = sorted[from - 1];
  return candidate !== undefined && candidate.last >= value ? candidate : undefined;
}
