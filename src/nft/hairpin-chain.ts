// The chain of a network in the table of host ports. It gives connections that came by a host port the node's own
// address, where the answer of the pod would not find back otherwise.
import { hasFamily, type Prefix } from "../ip/prefix.ts";
import { type Expression, masquerade } from "./expression.ts";
import { LOCALHOST, PORT_TABLE } from "./host-port-layout.ts";
import { networkChain } from "./layout.ts";
import { chainMessage, rulesMessages } from "./message.ts";
import { masqueradeFrom } from "./packet-test.ts";
import type { SharedChain } from "./table-layout.ts";

/**
 * Who gets the node's address when it comes by a host port: who could not understand the answer otherwise, or
 * everybody.
 */
export interface HairpinChain {
  name: string;
  /** Undefined: everybody. */
  subnets: Prefix[] | undefined;
}

/** The chain of a network whose pods have host ports. Without `subnets` everybody is masqueraded. */
export function hairpinChain(network: string, subnets: Prefix[] | undefined): HairpinChain {
  const { name, subnets: sorted } = networkChain(network, subnets ?? []);
  return { name, subnets: subnets === undefined ? undefined : sorted };
}

/**
 * The rules of a network's chain. From localhost an answer would never find back, and a pod that gets an
 * answer over the bridge from another pod than it asked does not know what it is about.
 */
function masqueradingRules({ subnets }: HairpinChain): Expression[][] {
  if (subnets === undefined) return [masquerade()];
  const local = hasFamily(subnets, 4) ? [LOCALHOST] : [];
  // ip saddr 127.0.0.0/8 masquerade fully-random ip saddr 10.1.0.0/24 masquerade fully-random            for
  // each subnet, and ip6 saddr fd01::/64 masquerade fully-random
  return [...local, ...subnets].map((prefix) => masqueradeFrom(prefix, masquerade()));
}

/** The chain as something that the network's attachments share. */
export function sharedHairpinChain(chain: HairpinChain): SharedChain {
  const { name } = chain;
  return {
    name,
    rules: hairpinRuleCount(chain),
    messages: () => [
      chainMessage(PORT_TABLE, name),
      ...rulesMessages(PORT_TABLE, name, masqueradingRules(chain)),
    ],
  };
}

function hairpinRuleCount({ subnets }: HairpinChain): number {
  if (subnets === undefined) return 1;
  return hasFamily(subnets, 4) ? subnets.length + 1 : subnets.length;
}
