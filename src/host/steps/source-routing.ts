// Source based routing in the pod: a routing table for the interface, and for each of its addresses a rule
// that leads there. The table is named for the number of the interface, so a rule whose interface is gone is
// known without any memory. Routes go with their interface, rules do not.
import type { Address, Family } from "../../ip/address.ts";
import { formatAddress, sameAddress } from "../../ip/address.ts";
import { formatPrefix } from "../../ip/prefix.ts";
import { getLink } from "../../net/link.ts";
import { addRouteMessage } from "../../net/route.ts";
import { addRuleMessage, deleteRuleMessage, listSourceRules, type SourceRule } from "../../net/rule.ts";
import type { NetlinkSocket } from "../../netlink/socket.ts";
import type { SourceRoutingStep } from "../../plan/step.ts";
import { isErrno } from "../../sys/errno.ts";
import { attempt } from "../failure.ts";
import type { Machine, Pod } from "../machine.ts";
import { findMissingRoute } from "./pod.ts";

/** Above what people and programs number by hand. */
const FIRST_TABLE = 10_000;
/** Who made a rule (`ip rule` shows it): a number that no one of /etc/iproute2/rt_protos has. */
const RULE_PROTOCOL = 112;

/**
 * Routes what comes from the addresses of the interface, number `index` in the pod, by a table of its own.
 * Throws CniError; no rule of it is left then.
 */
export function routeBySource(step: SourceRoutingStep, machine: Machine, index: number): void {
  const { links } = machine.pod;
  attempt(
    "route",
    `of ${step.interfaceName} in the pod`,
    () => {
      // What an ADD that was killed left: this one made the interface anew.
      removeStrayRules(links);
      const table = tableOf(index);
      // EEXIST: the same route was asked for, too.
      for (const { error } of links.transact(
        step.routes.map((route) => addRouteMessage({ ...route, table, index })),
      ))
        if (error !== undefined && !isErrno(error, "EEXIST")) throw error;
      addRules(links, rulesOf(step, table));
    },
    (error) =>
      isErrno(error, "EOPNOTSUPP", "EAFNOSUPPORT")
        ? "Use a kernel with CONFIG_IP_MULTIPLE_TABLES and CONFIG_IPV6_MULTIPLE_TABLES, or take sourceBasedRouting out"
        : undefined,
  );
}

function addRules(links: NetlinkSocket, rules: SourceRule[]): void {
  for (const { error } of links.transact(rules.map(addRuleMessage))) {
    if (error === undefined || isErrno(error, "EEXIST")) continue;
    removeRules(links, rules);
    throw error;
  }
}

/** Undo: the rules go; the routes go with the interface. */
export function undoSourceRouting(step: SourceRoutingStep, machine: Machine): void {
  const { links } = machine.pod;
  const link = getLink(links, { name: step.interfaceName });
  if (link !== undefined) removeRules(links, rulesOf(step, tableOf(link.index)));
}

/** What is wrong with it, or undefined. */
export function verifySourceRouting(
  { interfaceName, sources, routes }: SourceRoutingStep,
  machine: Machine,
): string | undefined {
  const { links } = machine.pod;
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
    machine,
    link.index,
  );
  return (
    missing &&
    `routing table ${table} in the pod has no route to ${formatPrefix(missing.dst)} by ${interfaceName}`
  );
}

/** DEL: the rules of a pod whose interface is gone. Throws SystemError. */
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

/** A kernel without the family, or without more tables than one, has no rules. */
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

function tableOf(index: number): number {
  return FIRST_TABLE + index;
}
