// Conditions of host ports, as chains of their own: a connection that does not meet them all is not led to
// the pod. Networks with the same conditions share a chain.
import type { Family } from "../ip/address.ts";
import type { Message } from "../netlink/socket.ts";
import { sha256 } from "../sys/hash.ts";
import type { Expression } from "./expression.ts";
import { PORT_TABLE, TRANSLATE, UNMARK } from "./host-port-layout.ts";
import { chainMessage, rulesMessages } from "./message.ts";
import { goto, gotoUnless, type PacketTest } from "./nat-expression.ts";

/** The chain that connections of a family to some pods' host ports come to first. */
export interface ConditionChain {
  name: string;
  family: Family;
  conditions: PacketTest[];
}

const HASH_DIGITS = 16;
const WHERE = "where";

/** True for the name of such a chain. */
export function isConditionChain(chain: string): boolean {
  return chain.startsWith(WHERE);
}

/** Its name says what its rules are, so it never needs to change. */
export function conditionChain(family: Family, conditions: PacketTest[]): ConditionChain {
  const text = conditions.map(({ field, not, value }) => `${field} ${not} ${value}`).join("\0");
  return { name: `${WHERE}${family}-${sha256(text).slice(0, HASH_DIGITS)}`, family, conditions };
}

function conditionRules({ family, conditions }: ConditionChain): Expression[][] {
  // ip daddr != 192.0.2.0/24 goto unmark            for ip daddr 192.0.2.0/24, and without != for its
  // opposite goto translate
  return [...conditions.map((condition) => gotoUnless(condition, family, UNMARK)), goto(TRANSLATE)];
}

/** How many rules the chain has when it is whole. */
export function conditionRuleCount({ conditions }: ConditionChain): number {
  return conditions.length + 1;
}

/** What makes the chain whole, whatever of it is there. Only under the node's lock. */
export function conditionMessages(chain: ConditionChain): Message[] {
  return [
    chainMessage(PORT_TABLE, chain.name),
    ...rulesMessages(PORT_TABLE, chain.name, conditionRules(chain)),
  ];
}
