// The rules that masquerade a network by iptables, as text: for each family a chain in table nat, and for
// each of the network's subnets one rule in POSTROUTING that leads there. The rules name no single pod, so
// the second pod costs nothing and a packet meets as many rules as there are subnets. All packets from the
// subnet are masqueraded, whatever program sent them.
//
//   :PONTOON-<network>-<subnets> - [0:0]
//   -A PONTOON-… -d 10.1.0.0/24 -m comment --comment "name: \"pods\"" -j RETURN          for each subnet
//   -A PONTOON-… -d 224.0.0.0/4 -m comment --comment "name: \"pods\"" -j RETURN          multicast; ff00::/8
//   -A PONTOON-… -m comment --comment "name: \"pods\"" -j MASQUERADE --random-fully
//   -A POSTROUTING -s 10.1.0.0/24 -m comment --comment "name: \"pods\"" -j PONTOON-…      for each subnet
//
// The comment is that of the reference plugin without its container. RETURN stands in the place of its
// ACCEPT, so that later rules still see packets that stay inside.
import type { Family } from "../ip/address.ts";
import { formatPrefix, networkOf, type Prefix } from "../ip/prefix.ts";
import { sha256 } from "../sys/hash.ts";

/** A network's chain in one family. Its name tells its network and subnets, so it never needs to change. */
export interface NetworkChain {
  family: Family;
  /** 28 characters, the most that iptables takes. */
  name: string;
  network: string;
  subnets: Prefix[];
}

const PREFIX = "PONTOON";
const NETWORK_DIGITS = 9;
const SUBNETS_DIGITS = 10;

/**
 * The bytes of a network's name in a comment: XT_MAX_COMMENT_LEN without its NUL is 255, other words take 8.
 */
const COMMENT_NAME_BYTES = 240;

const MULTICAST = { 4: "224.0.0.0/4", 6: "ff00::/8" } as const;

/** The beginning of the names of a network's chains, before the part of the subnets. */
export function chainPrefix(network: string): string {
  return `${PREFIX}-${sha256(network).slice(0, NETWORK_DIGITS)}-`;
}

/** The chains of a network with these subnets: one for each of their families. */
export function networkChains(network: string, subnets: readonly Prefix[]): NetworkChain[] {
  return ([4, 6] as const).flatMap((family) => {
    const own = subnets.filter(({ address }) => address.family === family).map(networkOf);
    if (own.length === 0) return [];
    const texts = own.map(formatPrefix).sort().join("\0");
    return [
      {
        family,
        network,
        subnets: own,
        name: `${chainPrefix(network)}${sha256(texts).slice(0, SUBNETS_DIGITS)}`,
      },
    ];
  });
}

/** The number of rules in a whole chain and of jumps to it. */
export function usesOf({ subnets }: NetworkChain): number {
  return subnets.length + 2 + subnets.length;
}

/**
 * The lines that make a chain, for iptables-restore; no part of it exists. `randomFully`: ports are chosen at
 * random, which iptables before 1.6.2 does not know.
 */
export function restoreLines(
  { family, name, network, subnets }: NetworkChain,
  randomFully: boolean,
): string[] {
  const comment = `-m comment --comment "name: \\"${network.slice(0, COMMENT_NAME_BYTES)}\\""`;
  const prefixes = subnets.map(formatPrefix);
  return [
    `:${name} - [0:0]`,
    ...[...prefixes, MULTICAST[family]].map((prefix) => `-A ${name} -d ${prefix} ${comment} -j RETURN`),
    `-A ${name} ${comment} -j MASQUERADE${randomFully ? " --random-fully" : ""}`,
    ...prefixes.map((prefix) => `-A POSTROUTING -s ${prefix} ${comment} -j ${name}`),
  ];
}
