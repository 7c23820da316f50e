// Source based routing in the pod: a routing table for the interface, and for each of its addresses a rule
// that leads there. The table's number tells the interface's index, so a rule of a removed interface is known
// without a record. Routes go with their interface, rules do not.

import { attempt } from "../../../failure/failure.ts";
import type { Address, Family } from "../../../ip/address.ts";
import { formatAddress, sameAddress } from "../../../ip/address.ts";
import { formatPrefix } from "../../../ip/prefix.ts";
import { getLink } from "../../../net/link.ts";
import { addRouteMessage } from "../../../net/route.ts";
import { addRuleMessage, deleteRuleMessage, listSourceRules, type SourceRule } from "../../../net/rule.ts";
import type { NetlinkSocket } from "../../../netlink/socket.ts";
import { FIRST_TABLE, RULE_PROTOCOL, tableOf } from "../../../plan/source-routing.ts";
import type { SourceRoutingStep } from "../../../plan/step.ts";
import { isErrno, type SystemError } from "../../../sys/errno.ts";
import type { Applying, Place, Removing, StepKind } from "../../kind.ts";
import { openRecordedPod } from "../../namespace.ts";
import type { Pod } from "../../pod.ts";
import { findMissingRoute } from "../pod/route.ts";

/**
 * Source based routing as a kind of steps. The routes go with the interface; its rules are removed from the
 * pod.
 */
export const sourceRouting: StepKind<SourceRoutingStep> = {
  apply: routeBySource,
  remove: (_, on) => ({ afterLinks: () => removeRulesInPod(on) }),
  verify: verifySourceRouting,
};

/** Routes packets from the addresses of the interface by a table of their own. */
function routeBySource(step: SourceRoutingStep, { pod: { links }, podIndex }: Applying): void {
  const put = (): void => {
    // A killed ADD may have left rules, with another interface's index.
    removeStrayRules(links);
    const table = tableOf(podIndex);
    const messages = step.routes.map((route) => addRouteMessage({ ...route, table, index: podIndex }));
    // EEXIST: the configuration asks for an equal route.
    for (const { error } of links.transact(messages))
      if (error !== undefined && !isErrno(error, "EEXIST")) throw error;
    addRules(links, rulesOf(step, table));
  };
  attempt("route", `of ${step.interfaceName} in the pod`, put, hintOf);
}

function hintOf(error: SystemError): string | undefined {
  if (!isErrno(error, "EOPNOTSUPP", "EAFNOSUPPORT")) return undefined;
  return "Use a kernel with CONFIG_IP_MULTIPLE_TABLES and CONFIG_IPV6_MULTIPLE_TABLES, or take sourceBasedRouting out";
}

function addRules(links: NetlinkSocket, rules: SourceRule[]): void {
  for (const { error } of links.transact(rules.map(addRuleMessage))) {
    if (error === undefined || isErrno(error, "EEXIST")) continue;
    removeRules(links, rules);
    throw error;
  }
}

/** The problem with the rules and their table as a sentence; undefined when there is none. */
function verifySourceRouting(step: SourceRoutingStep, { pod: { links } }: Place): string | undefined {
  const { interfaceName, sources, routes } = step;
  const link = getLink(links, { name: interfaceName });
  if (link === undefined) return undefined;
  const table = tableOf(link.index);
  const lost = sources.find(
    (source) =>
      !listSourceRules(links, source.family).some(
        (rule) => rule.table === table && sameAddress(rule.source, source),
      ),
  );
  if (lost !== undefined)
    return `the pod has no rule that leads packets from ${formatAddress(lost)} to routing table ${table}`;
  const missing = findMissingRoute(
    routes.map((route) => ({ ...route, table })),
    links,
    link.index,
  );
  return (
    missing &&
    `routing table ${table} in the pod has no route to ${formatPrefix(missing.dst)} by ${interfaceName}`
  );
}

/**
 * Removes the rules of the interface, which is gone, from the pod: the pod that the runtime named, else the
 * pod of the record.
 */
function removeRulesInPod({ node, pod, attachment }: Removing): void {
  attempt("cleanup", "rules in the pod", () => {
    if (pod !== undefined) return removeSourceRules(pod);
    using recorded = openRecordedPod(attachment, node);
    if (recorded !== undefined) removeSourceRules(recorded);
  });
}

/** Removes the rules of interfaces that are gone. Throws SystemError. */
export function removeSourceRules(pod: Pod): void {
  removeStrayRules(pod.links);
}

function removeStrayRules(links: NetlinkSocket): void {
  const ours = ([4, 6] as const)
    .flatMap((family) => listRulesIfAny(links, family))
    .filter(({ protocol, table }) => protocol === RULE_PROTOCOL && table > FIRST_TABLE);
  removeRules(
    links,
    ours.filter(({ table }) => getLink(links, { index: table - FIRST_TABLE }) === undefined),
  );
}

/** The rules of a family; none on a kernel without the family, or without several routing tables. */
function listRulesIfAny(links: NetlinkSocket, family: Family): SourceRule[] {
  try {
    return listSourceRules(links, family);
  } catch (error) {
    if (isErrno(error, "EOPNOTSUPP", "EAFNOSUPPORT")) return [];
    throw error;
  }
}

function removeRules(links: NetlinkSocket, rules: SourceRule[]): void {
  if (rules.length === 0) return;
  for (const { error } of links.transact(rules.map(deleteRuleMessage)))
    if (error !== undefined && !isErrno(error, "ENOENT")) throw error;
}

function rulesOf({ sources }: SourceRoutingStep, table: number): SourceRule[] {
  return sources.map((source: Address) => ({ source, table, protocol: RULE_PROTOCOL }));
}
