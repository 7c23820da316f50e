// The reasons why the node does not route a packet, in words: the kernel tells an error number alone.
import { shellWord, sysctlCommand } from "../host/difference.ts";
import type { Node } from "../host/node.ts";
import { type Address, type Family, formatAddress } from "../ip/address.ts";
import { formatPrefix, prefixContains } from "../ip/prefix.ts";
import type { LinkRoute } from "../net/route.ts";
import { listRoutes } from "../net/route-list.ts";
import type { Forwarding } from "../net/route-look-up.ts";
import { listRules, type RoutingRule } from "../net/rule.ts";
import { readSysctl } from "../net/sysctl.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { errnoName, orNone } from "../sys/errno.ts";

/** A packet that comes into the node by a link. */
export interface RefusedPacket {
  source: Address;
  destination: Address;
  input: { name: string; index: number };
}

/** Why it goes no further. */
export interface Refusal {
  kind: "forwarding" | "rule" | "route" | "unknown";
  /** Half a sentence: `eth0 does not forward`. */
  cause: string;
  proof?: string;
  cure?: string;
}

/** The reason for the kernel's refusal. Throws SystemError. */
export function refusalOf(
  packet: RefusedPacket,
  { error }: Pick<Forwarding, "error">,
  { links }: Node,
): Refusal {
  return (
    notForwarding(packet) ??
    refusedByRule(packet, links) ?? {
      kind: "unknown",
      cause: "the kernel refuses it",
      proof: asked(packet, error),
    }
  );
}

type Links = Node["links"];

/** The link does not forward. Of IPv6 the kernel asks for the whole node alone. */
function notForwarding({ source, input: { name } }: RefusedPacket): Refusal | undefined {
  const setting = `ipv4/conf/${name}/forwarding`;
  if (source.family !== 4 || readSysctl(setting) !== "0") return undefined;
  return {
    kind: "forwarding",
    cause: `${name} does not forward (/proc/sys/net/${setting})`,
    cure: sysctlCommand(setting, "1"),
  };
}

const REFUSING_ACTIONS: { readonly [Each in number]?: string } = {
  [rt.FR_ACT_BLACKHOLE]: "blackhole",
  [rt.FR_ACT_UNREACHABLE]: "unreachable",
  [rt.FR_ACT_PROHIBIT]: "prohibit",
};

const REFUSING_TYPES: { readonly [Each in number]?: string } = {
  [rt.RTN_BLACKHOLE]: "blackhole",
  [rt.RTN_UNREACHABLE]: "unreachable",
  [rt.RTN_PROHIBIT]: "prohibit",
};

/** The rule that leads to the table main, where all routes of people are, has gone. */
export function lostMainRule(family: Family, links: Links): { proof: string; cure: string } | undefined {
  const hasMain = listRules(links, family).some(
    ({ action, table }) => action === rt.FR_ACT_TO_TBL && table === rt.RT_TABLE_MAIN,
  );
  if (hasMain) return undefined;
  const priority = 32_766;
  return {
    proof: `no routing rule leads to the table main, as "${priority}: from all lookup main" does`,
    cure: `ip ${family === 6 ? "-6 " : ""}rule add pref ${priority} from all lookup main`,
  };
}

/** The first rule that refuses the packet, or leads to a route that does. Throws SystemError. */
export function refusedByRule(packet: RefusedPacket, links: Links): Refusal | undefined {
  const { family } = packet.destination;
  for (const rule of listRules(links, family)) {
    const fits = fitsPacket(rule, packet);
    if (fits === undefined) return undefined;
    if (!fits) continue;
    const action = REFUSING_ACTIONS[rule.action];
    if (action !== undefined) return byRule(rule, action);
    if (rule.action !== rt.FR_ACT_TO_TBL) return undefined;
    // A table without a route need not be there.
    const routes = orNone(() => listRoutes(links, family, { table: rule.table }));
    const route = bestRoute(packet.destination, routes);
    if (route === undefined) continue;
    const type = REFUSING_TYPES[route.type ?? rt.RTN_UNICAST];
    return type === undefined ? undefined : byRoute(route, type, rule);
  }
  return undefined;
}

function byRule(rule: RoutingRule, action: string): Refusal {
  const words = `${selectorText(rule)} ${action}`;
  return {
    kind: "rule",
    cause: `the routing rule "${rule.priority}: ${words}" refuses it`,
    cure: `ip ${rule.family === 6 ? "-6 " : ""}rule del pref ${rule.priority} ${words}`,
  };
}

function byRoute(
  { dst, priority, table = rt.RT_TABLE_MAIN }: LinkRoute,
  type: string,
  rule: RoutingRule,
): Refusal {
  const ip = dst.address.family === 6 ? "ip -6" : "ip";
  const text = `${type} ${dst.length === 0 ? "default" : formatPrefix(dst)}`;
  const isMain = table === rt.RT_TABLE_MAIN;
  const metric = priority === undefined ? "" : ` metric ${priority}`;
  return {
    kind: "route",
    cause: `the route "${text}"${isMain ? "" : ` of table ${table}`} refuses it`,
    ...(isMain ? {} : { proof: `the rule "${rule.priority}: ${selectorText(rule)}" leads to that table` }),
    cure: `${ip} route del ${text}${metric}${isMain ? "" : ` table ${table}`}`,
  };
}

function bestRoute(destination: Address, routes: readonly LinkRoute[]): LinkRoute | undefined {
  return routes
    .filter(({ dst }) => prefixContains(dst, destination))
    .sort((a, b) => b.dst.length - a.dst.length || (a.priority ?? 0) - (b.priority ?? 0))[0];
}

/** True for a rule that a packet without a mark fits; undefined where that cannot be told. */
function fitsPacket(rule: RoutingRule, { source, destination, input }: RefusedPacket): boolean | undefined {
  if (rule.asksForMore) return undefined;
  const fits =
    (rule.source === undefined || prefixContains(rule.source, source)) &&
    (rule.destination === undefined || prefixContains(rule.destination, destination)) &&
    (rule.input === undefined || rule.input === input.name) &&
    rule.output === undefined &&
    (rule.mark === undefined || rule.mark.value === 0);
  return fits !== rule.isInverted;
}

/** What a rule asks for, as `ip rule` takes it. */
export function selectorText({ source, destination, input, mark, isInverted }: RoutingRule): string {
  return [
    ...(isInverted ? ["not"] : []),
    `from ${source === undefined ? "all" : formatPrefix(source)}`,
    ...(destination === undefined ? [] : [`to ${formatPrefix(destination)}`]),
    ...(input === undefined ? [] : [`iif ${shellWord(input)}`]),
    ...(mark === undefined ? [] : [`fwmark ${mark.value}/${mark.mask}`]),
  ].join(" ");
}

function asked({ source, destination, input }: RefusedPacket, error: Forwarding["error"]): string {
  const ip = destination.family === 6 ? "ip -6" : "ip";
  const command = `${ip} route get ${formatAddress(destination)} from ${formatAddress(source)} iif ${input.name}`;
  return `"${command}" ends with ${errnoName(error?.errno ?? 0)}`;
}
