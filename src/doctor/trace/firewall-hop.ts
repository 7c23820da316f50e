// The hops through the firewalls of the node: the packet, and its answer.
import { entryOf } from "../../attachment/link.ts";
import { allowCommand } from "../../host/forward/allow.ts";
import { dropOf } from "../../host/forward/drop.ts";
import { type ForwardHook, listForwardHooks } from "../../host/forward/hook.ts";
import type { Address } from "../../ip/address.ts";
import { formatPrefix, networkOf } from "../../ip/prefix.ts";
import { lookUpRoute } from "../../net/route.ts";
import type { Packet, PacketLink } from "../../nft/packet.ts";
import { PROTOCOLS as NUMBERS } from "../../nft/port-mapping.ts";
import type { Context } from "../context.ts";
import type { Finding } from "../finding.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Hop, Way } from "./hop.ts";

/** What the chains at the hook "forward" do to the packet, and to its answer. */
export function* firewallHops(way: Way, context: Context): Generator<Hop> {
  const hooks = listForwardHooks(context.node).filter(({ families }) => families.includes(way.family));
  for (const packet of packetsOf(way, context)) {
    const drop = hooks
      .map((hook) => ({ hook, end: dropOf(hook, packet) }))
      .find(({ end }) => end !== undefined);
    const what = packet.state === "new" ? "the packet" : "the answer";
    const sentence =
      hooks.length === 0
        ? `no firewall looks at ${what}`
        : `${hooks.map(hookText).join(", ")}: lets ${what} pass`;
    if (drop?.end === undefined) {
      yield { sentence };
      continue;
    }
    const { hook, end } = drop;
    yield { sentence, fault: firewallFault(hook, { what, text: end.rule?.text }, way) };
  }
}

function hookText({ title, policy }: ForwardHook): string {
  return `${title} (policy ${policy})`;
}

function firewallFault(
  hook: ForwardHook,
  { what, text }: { what: string; text: string | undefined },
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
  return {
    subject: hook.title,
    severity: "error",
    sentence: `${hook.title} drops ${what}`,
    proof: text === undefined ? "its policy is drop, and no rule accepts it" : `its rule is: ${text}`,
    cure:
      own && traffic
        ? allowCommand(hook, { entry, subnet: formatPrefix(networkOf(own.address)), traffic })
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
  const [source, destination] = [from.address, to.address];
  return [
    {
      ...common,
      input,
      output,
      source: from.title === "outside" ? undefined : source,
      destination: to.title === "outside" ? undefined : destination,
      destinationPort: to.port,
      state: "new",
    },
    {
      ...common,
      input: output,
      output: input,
      source: to.title === "outside" ? undefined : destination,
      destination: from.title === "outside" ? undefined : source,
      sourcePort: to.port,
      destinationPort: undefined,
      state: "established",
    },
  ];
}

/** The interface of the node at that end: the pods' own, or the one of the route there. */
function linkOf({ one, address }: Endpoint, context: Context): PacketLink | undefined {
  const { node, survey } = context;
  const entry = one && entryOf(one.attachment.link);
  const index = entry === undefined ? lookUpIndex(address, node) : context.linkNamed(entry)?.index;
  const link = index === undefined ? undefined : survey.links.get(index);
  return link && { name: link.name, index: link.index, group: link.group };
}

function lookUpIndex(address: Address | undefined, node: Context["node"]): number | undefined {
  return address && lookUpRoute(node.links, address)?.index;
}
