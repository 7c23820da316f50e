// The chain of a network in the table of host ports. It gives connections that came by a host port the node's
// own address, where the answer of the pod would not find back otherwise.
import { hasFamily, type Prefix } from "../ip/prefix.ts";
import type { Rule } from "./expression.ts";
import { LOCALHOST, PORT_TABLE } from "./host-port-layout.ts";
import { networkChain } from "./layout.ts";
import { isFrom } from "./packet-test.ts";
import { masquerade } from "./statement.ts";
import { type SharedChain, sharedChain } from "./table-layout.ts";

/** The chain of a network that masquerades connections to its pods that came by a host port. */
export interface HairpinChain {
  name: string;
  /** The sources that are masqueraded, with localhost; undefined: all sources. */
  subnets: Prefix[] | undefined;
}

/** The chain of a network whose pods have host ports. Without `subnets` every source is masqueraded. */
export function hairpinChain(network: string, subnets: Prefix[] | undefined): HairpinChain {
  const { name, subnets: sorted } = networkChain(network, subnets ?? []);
  return { name, subnets: subnets === undefined ? undefined : sorted };
}

/**
 * The rules of a network's chain. An answer to localhost would not find its way back from the pod. A pod of
 * the bridge would get the answer straight from the other pod, under another address than it had asked.
 */
function masqueradingRules({ subnets }: HairpinChain): Rule[] {
  if (subnets === undefined) return [[masquerade()]];
  const local = hasFamily(subnets, 4) ? [LOCALHOST] : [];
  return [...local, ...subnets].map((prefix) => [isFrom(prefix), masquerade()]);
}

/** The chain of a network, as its attachments share it. */
export function sharedHairpinChain(chain: HairpinChain): SharedChain {
  const [{ name }, count] = [chain, hairpinRuleCount(chain)];
  return sharedChain(PORT_TABLE, { name, count, rules: () => masqueradingRules(chain) });
}

function hairpinRuleCount({ subnets }: HairpinChain): number {
  if (subnets === undefined) return 1;
  return hasFamily(subnets, 4) ? subnets.length + 1 : subnets.length;
}
