// Conditions of host ports, as chains of their own: a connection that does not meet them all is not led to
// the pod. Networks with the same conditions share a chain.
import type { Family } from "../ip/address.ts";
import { sha256 } from "../sys/hash.ts";
import type { Rule } from "./expression.ts";
import { PORT_TABLE, TRANSLATE, UNMARK } from "./host-port-layout.ts";
import { gotoUnless, type PacketTest } from "./packet-test.ts";
import { goTo } from "./statement.ts";
import { type SharedChain, sharedChain } from "./table-layout.ts";

/** The chain that connections of a family to some pods' host ports come to first. */
export interface ConditionChain {
  name: string;
  family: Family;
  conditions: PacketTest[];
}

const HASH_DIGITS = 16;
const WHERE = "where";

/** True for the name of a chain of conditions. */
export function isConditionChain(chain: string): boolean {
  return chain.startsWith(WHERE);
}

/** The chain for these conditions. Its name is made of them, so its rules never need to change. */
export function conditionChain(family: Family, conditions: PacketTest[]): ConditionChain {
  const text = conditions.map(({ field, not, value }) => `${field} ${not} ${value}`).join("\0");
  return { name: `${WHERE}${family}-${sha256(text).slice(0, HASH_DIGITS)}`, family, conditions };
}

/** For the condition `ip daddr 192.0.2.0/24` the rule is `ip daddr != 192.0.2.0/24 goto unmark`. */
function conditionRules({ family, conditions }: ConditionChain): Rule[] {
  return [...conditions.map((condition) => [gotoUnless(condition, family, UNMARK)]), [goTo(TRANSLATE)]];
}

/** The chain of conditions, as attachments share it. */
export function sharedConditionChain(chain: ConditionChain): SharedChain {
  const { name, conditions } = chain;
  return sharedChain(PORT_TABLE, { name, count: conditions.length + 1, rules: () => conditionRules(chain) });
}
