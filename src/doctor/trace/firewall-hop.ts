// The hops through the firewalls of the node: the packet, and its answer.
import { bridgeOf, entryOf } from "../../attachment/link.ts";
import { allowAdvice, allowCommand, allowFramesCommand } from "../../host/forward/allow.ts";
import type { Drop } from "../../host/forward/drop.ts";
import type { FirewallHook } from "../../host/forward/hook.ts";
import {
  fateAt,
  listNodeHooks,
  type Passage,
  passagesOf,
  type Route,
  type Side,
} from "../../host/forward/passage.ts";
import { formatPrefix, networkOf } from "../../ip/prefix.ts";
import { lookUpRoute } from "../../net/route-look-up.ts";
import { listEdgeFilters } from "../../net/traffic-control.ts";
import type { Packet, PacketEnd, PacketLink } from "../../nft/packet.ts";
import { PROTOCOLS as NUMBERS } from "../../nft/port-mapping.ts";
import type { Context } from "../context.ts";
import type { Finding } from "../finding.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Hop, Way } from "./hop.ts";
import { isMasqueradedByNode } from "./node.ts";

/**
 * What chains do to the packet and to its answer, on the packet's route: at the devices, in bridges, and at
 * the hooks of IP.
 */
export function* firewallHops(way: Way, context: Context, route: Route): Generator<Hop> {
  const hooks = listNodeHooks(context.node);
  const [from, to] = sidesOf(way, context, route === "bridge");
  for (const packet of packetsOf(way, context)) {
    const isNew = packet.state === "new";
    const passages = passagesOf(
      { packet, ...(isNew ? { from, to, route } : { from: to, to: from, route: RETURN[route] }) },
      hooks,
    );
    yield* passHops(isNew ? "the packet" : "the answer", passages, way);
  }
  yield* filterHops([from, to], context);
}

/** Filters of traffic control at the devices of both sides, but for those that limit a pod's bandwidth. */
function* filterHops(sides: readonly Side[], { node, survey }: Context): Generator<Hop> {
  const devices = new Map(
    sides
      .flatMap(({ link, port }) => [link, port])
      .flatMap((one) => (one === undefined ? [] : [[one.name, one]])),
  );
  const sentences = [...devices.values()].flatMap(({ name, index }) =>
    index === undefined
      ? []
      : listEdgeFilters(node.links, index)
          .filter(({ redirect }) => survey.links.get(redirect ?? 0)?.kind !== "ifb")
          .map(
            ({ side, kind }) =>
              `a ${kind} filter of traffic control may drop packets at ${name}, or lead them elsewhere: "tc filter show dev ${name} ${side}" lists it`,
          ),
  );
  for (const sentence of new Set(sentences)) yield { sentence, isUndecided: true };
}

/** The route of an answer. */
const RETURN: { readonly [Each in Route]: Route } = {
  bridge: "bridge",
  forward: "forward",
  input: "output",
  output: "input",
};

function* passHops(what: string, passages: readonly Passage[], way: Way): Generator<Hop> {
  const met = passages.map((passage) => ({ ...passage, ...fateAt(passage) }));
  const queues = met.flatMap(({ hook, queue }) => (queue === undefined ? [] : [{ hook, queue }]));
  const others = met.filter(({ queue }) => queue === undefined);
  const titles = [...new Set(others.map(({ hook }) => hookText(hook)))];
  const drops = met.flatMap(({ hook, isTranslated, drop }) =>
    drop === undefined ? [] : [{ hook, isTranslated, ...drop }],
  );
  const certain = drops.find(({ isCertain }) => isCertain);
  const text = drops[0]?.end.rule?.text;
  const unless = text === undefined ? "" : `, unless this rule fits: ${text}`;
  const passes =
    titles.length === 0
      ? `no ${queues.length > 0 ? "other " : ""}firewall looks at ${what}`
      : `${titles.join(", ")}: lets ${what} pass${unless}`;
  yield { sentence: passes, fault: certain && firewallFault(certain, what, way) };
  for (const sentence of new Set(queues.map(({ hook, queue }) => queueText(hook, queue, what))))
    yield { sentence, isUndecided: true };
}

function queueText({ title }: FirewallHook, { rule, isCertain }: PacketEnd, what: string): string {
  return `${title} ${isCertain ? "hands" : "may hand"} ${what} to another program, which decides: ${rule?.text ?? ""}`;
}

function hookText({ title, policy }: FirewallHook): string {
  return `${title} (policy ${policy})`;
}

function firewallFault(
  { hook, end, isTranslated }: Drop & { hook: FirewallHook; isTranslated: boolean },
  what: string,
  { from, to, family }: Way,
): Finding {
  const one = from.one ?? to.one;
  const entry = one && entryOf(one.attachment.link);
  const own = one?.attachment.addresses.find(({ address }) => address.address.family === family);
  const traffic = own &&
    entry !== undefined && {
      family,
      entry,
      pod: own.address.address,
      hasHostPorts: to.hostPort !== undefined,
    };
  const subnet = own && formatPrefix(networkOf(own.address));
  // Whom the node itself lets in is not said by a rule for all that pods send.
  const isOfNode = !("at" in hook) && (hook.stage === "input" || hook.stage === "output");
  const cureOf = (): string | undefined => {
    if (subnet === undefined || !traffic || isTranslated || isOfNode) return undefined;
    if ("at" in hook) return allowFramesCommand(hook, subnet, family);
    return allowCommand(hook, { entry, subnet, traffic });
  };
  return {
    code: "firewallDrops",
    subject: hook.title,
    severity: "error",
    sentence: `${hook.title} drops ${what}`,
    proof:
      end.rule === undefined ? "its policy is drop, and no rule accepts it" : `its rule is: ${end.rule.text}`,
    cure: cureOf(),
    advice: isOfNode
      ? "Let those packets pass, where pods and the node are to reach each other"
      : isTranslated
        ? allowAdvice(hook, family)
        : undefined,
    attachments: one && [one],
  };
}

/** The packet and its answer, with the addresses that pods and hosts know each other by. */
function packetsOf({ from, to, family }: Way, context: Context): Packet[] {
  const common = {
    family,
    protocol: to.port === undefined ? undefined : NUMBERS[to.protocol],
    isTranslated: to.hostPort !== undefined,
  };
  const [input, output] = [linkOf(from, context), linkOf(to, context)];
  const [source, destination] = [from, to].map(({ title, address }) =>
    title === "outside" ? undefined : address,
  );
  return [
    {
      ...common,
      input,
      output,
      source,
      destination,
      destinationPort: to.port,
      nodePort: to.hostPort,
      state: "new",
    },
    {
      ...common,
      input: output,
      output: input,
      source: destination,
      destination: source,
      sourcePort: to.port,
      destinationPort: undefined,
      state: "established",
    },
  ];
}

/** The devices of both ends, and which addresses the node translates between them. */
function sidesOf(way: Way, context: Context, isBridged: boolean): [Side, Side] {
  const { from, to } = way;
  const isHostPort = to.hostPort !== undefined;
  // The packet of a pod to a host port may go back to where it came from, and is masqueraded then.
  const isHairpin = isHostPort && from.one !== undefined;
  return [
    { ...sideOf(from, context, isBridged), isTranslated: isHostPort },
    { ...sideOf(to, context, isBridged), isTranslated: !isBridged && (isHairpin || isMasked(way, context)) },
  ];
}

function sideOf(end: Endpoint, context: Context, isBridged: boolean): Omit<Side, "isTranslated"> {
  const link = end.one?.attachment.link;
  const bridge = link && bridgeOf(link);
  return {
    link: isBridged && bridge !== undefined ? named(bridge, context) : linkOf(end, context),
    port: link?.kind === "bridgePort" ? named(link.host.name, context) : undefined,
    bridge,
  };
}

/** True where the packet gets an address of the node: the pod's network or the node masquerades. */
function isMasked({ from, to }: Way, context: Context): boolean {
  if (from.one === undefined) return false;
  const { key, masquerade } = from.one.attachment;
  const isOfNetwork = to.one?.attachment.key.network === key.network;
  const isByNode = to.address !== undefined && isMasqueradedByNode(from.address, to.address, context);
  return (masquerade !== undefined && !isOfNetwork) || isByNode;
}

/** The interface of the node at that end: the pods' own, or the one of the route there. */
function linkOf({ one, address }: Endpoint, context: Context): PacketLink | undefined {
  const { node, survey } = context;
  const entry = one && entryOf(one.attachment.link);
  if (entry !== undefined) return named(entry, context);
  const index = address && lookUpRoute(node.links, address)?.index;
  const link = index === undefined ? undefined : survey.links.get(index);
  return link && { name: link.name, index: link.index, group: link.group };
}

function named(name: string, context: Context): PacketLink | undefined {
  const link = context.linkNamed(name);
  return link && { name, index: link.index, group: link.group };
}
