// The rules that masquerade a network by iptables, as text: for each family a chain in table nat, and for
// each of the network's subnets one rule in POSTROUTING that leads there. There is nothing in it of single
// pods, so the second pod costs nothing and a packet meets as many rules as there are subnets. What comes
// from the subnet is masqueraded, whoever sent it.
//
//   :PONTOON-<network>-<subnets> - [0:0]
//   -A PONTOON-… -d 10.1.0.0/24 -m comment --comment "name: \"pods\"" -j RETURN          for each subnet
//   -A PONTOON-… -d 224.0.0.0/4 -m comment --comment "name: \"pods\"" -j RETURN          multicast; ff00::/8
//   -A PONTOON-… -m comment --comment "name: \"pods\"" -j MASQUERADE --random-fully
//   -A POSTROUTING -s 10.1.0.0/24 -m comment --comment "name: \"pods\"" -j PONTOON-…      for each subnet
//
// The comment is that of the reference plugin without its container. RETURN rather than its ACCEPT: rules
// behind ours still see what stays inside.
import type { Family } from "../ip/address.ts";
import { formatPrefix, networkOf, type Prefix } from "../ip/prefix.ts";
import { sha256 } from "../sys/hash.ts";

/**
 * A network's chain in one family. Its name says for which network and subnets it was made, so it never needs
 * to change.
 */
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

/** XT_MAX_COMMENT_LEN without its NUL is 255; what else stands in the comment has 8 bytes. */
const COMMENT_NAME_BYTES = 240;

const MULTICAST = { 4: "224.0.0.0/4", 6: "ff00::/8" } as const;

/** What comes before the subnets' part in the names of a network's chains. */
export function chainPrefix(network: string): string {
  return `${PREFIX}-${sha256(network).slice(0, NETWORK_DIGITS)}-`;
}

/** The chains of a network with these subnets: one for each family that there is. */
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

/** How many rules a chain holds, and how many lead to it, when it is whole. */
export function usesOf({ subnets }: NetworkChain): number {
  return subnets.length + 2 + subnets.length;
}

/**
 * What makes a chain, for iptables-restore; nothing of it is there. `randomFully`: ports are chosen at
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
