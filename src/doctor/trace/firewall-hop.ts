// The hops through the firewalls of the node: the packet, and its answer.
import { bridgeOf, entryOf } from "../../attachment/link.ts";
import { allowCommand, allowFramesCommand } from "../../host/forward/allow.ts";
import { type Drop, dropOf } from "../../host/forward/drop.ts";
import type { ForwardHook } from "../../host/forward/hook.ts";
import { listNodeHooks, type Passage, passagesOf, type Side } from "../../host/forward/passage.ts";
import { formatPrefix, networkOf } from "../../ip/prefix.ts";
import { lookUpRoute } from "../../net/route-look-up.ts";
import type { Packet, PacketLink } from "../../nft/packet.ts";
import { PROTOCOLS as NUMBERS } from "../../nft/port-mapping.ts";
import type { Context } from "../context.ts";
import type { Finding } from "../finding.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Hop, Way } from "./hop.ts";
import { isMasqueradedByNode } from "./node.ts";

/**
 * What chains do to the packet and to its answer: at the devices, from port to port of a bridge
 * (`isBridged`), and at the hook "forward".
 */
export function* firewallHops(way: Way, context: Context, isBridged: boolean): Generator<Hop> {
  const hooks = listNodeHooks(context.node);
  const [from, to] = [
    sideOf(way.from, way.to, { context, isBridged }),
    sideOf(way.to, way.from, { context, isBridged }),
  ];
  for (const packet of packetsOf(way, context)) {
    const what = packet.state === "new" ? "the packet" : "the answer";
    const sides = packet.state === "new" ? { from, to } : { from: to, to: from };
    yield passHop(what, passagesOf({ packet, ...sides, isBridged }, hooks), way);
  }
}

function passHop(what: string, passages: readonly Passage[], way: Way): Hop {
  const titles = [...new Set(passages.map(({ hook }) => hookText(hook)))];
  const drops = passages.flatMap(({ hook, packet, isTranslated }) => {
    const drop = dropOf(hook, packet);
    return drop === undefined ? [] : [{ hook, isTranslated, ...drop }];
  });
  const certain = drops.find(({ isCertain }) => isCertain);
  const text = drops[0]?.end.rule?.text;
  const passes =
    titles.length === 0
      ? `no firewall looks at ${what}`
      : `${titles.join(", ")}: lets ${what} pass${text === undefined ? "" : `, unless this rule fits: ${text}`}`;
  return { sentence: passes, fault: certain && firewallFault(certain, what, way) };
}

function hookText({ title, policy }: ForwardHook): string {
  return `${title} (policy ${policy})`;
}

function firewallFault(
  { hook, end, isTranslated }: Drop & { hook: ForwardHook; isTranslated: boolean },
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
  const cureOf = (): string | undefined => {
    if (subnet === undefined || !traffic || isTranslated) return undefined;
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
    advice: isTranslated
      ? `Let those packets pass, or take the chain away: nft delete chain ${hook.place}`
      : undefined,
    attachments: one && [one],
  };
}

/** The packet and its answer, as they pass the hook "forward". */
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
    { ...common, input, output, source, destination, destinationPort: to.port, state: "new" },
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

/** The devices of an end; beyond the node its pod may have an address of the node. */
function sideOf(
  end: Endpoint,
  other: Endpoint,
  { context, isBridged }: { context: Context; isBridged: boolean },
): Side {
  const link = end.one?.attachment.link;
  const bridge = link && bridgeOf(link);
  const isMasked =
    other.one?.attachment.masquerade !== undefined ||
    other.hostPort !== undefined ||
    (end.address !== undefined && isMasqueradedByNode(other.address, end.address, context));
  return {
    link: isBridged && bridge !== undefined ? named(bridge, context) : linkOf(end, context),
    port: link?.kind === "bridgePort" ? named(link.host.name, context) : undefined,
    isTranslated: end.one === undefined && isMasked,
  };
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
