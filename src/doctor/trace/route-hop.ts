// The hops of a packet that the node routes: the gateway, the route, the firewalls, and the way out.
import { entryOf } from "../../attachment/link.ts";
import { formatAddress } from "../../ip/address.ts";
import { type Forwarding, isLocalAddress, lookUpForwarding, lookUpRoute } from "../../net/route-look-up.ts";
import type { StepName } from "../../plan/step.ts";
import { isErrno } from "../../sys/errno.ts";
import type { Context } from "../context.ts";
import { examineDuplicates } from "../examine/duplicate.ts";
import { examineSubnets } from "../examine/subnet.ts";
import { brokenWay } from "../examine/way.ts";
import { type Finding, NODE } from "../finding.ts";
import { lostMainRule, type RefusedPacket, refusalOf } from "../refusal.ts";
import { addressText, type Endpoint } from "./endpoint.ts";
import { firewallHops } from "./firewall-hop.ts";
import { faultFrom, type Hop, stepHop, type Way } from "./hop.ts";
import { isMasqueradedByNode, nodeHops } from "./node.ts";

const AS_ROUTER: readonly StepName[] = ["vlanGateway", "gateway", "forwarding", "ingressPolicy"];
const WAY_OUT: readonly StepName[] = ["masquerade", "iptablesMasquerade"];

/** The packet goes through the node as a router. */
export function* routedHops(way: Way, context: Context): Generator<Hop> {
  const { from, to, family } = way;
  const router = from.one ?? to.one;
  if (router !== undefined) {
    const entry = entryOf(router.attachment.link) ?? "";
    yield stepHop(
      router,
      { steps: AS_ROUTER, sentence: `the node is the gateway on ${entry}, and forwards IPv${family}` },
      context,
    );
  }
  // What is for the node itself, or comes from it, is not forwarded.
  const route = isOfNode(to, context) ? "input" : isOfNode(from, context) ? "output" : "forward";
  const packet = route === "forward" ? packetOf(way, context) : undefined;
  yield routeHop(way, packet, context);
  if (to.one === undefined && to.address !== undefined) yield* nodeHops(to.address, context);
  if (packet !== undefined) yield* forwardingHops(packet, way, context);
  yield* firewallHops(way, context, route);
  if (route === "input") return;
  if (from.one !== undefined && to.one === undefined) {
    const masquerades =
      from.one.attachment.masquerade !== undefined ||
      (to.address !== undefined && isMasqueradedByNode(from.address, to.address, context));
    yield stepHop(
      from.one,
      {
        steps: WAY_OUT,
        sentence: masquerades
          ? "it leaves with an address of the node"
          : "it leaves with the pod's own address",
      },
      context,
    );
  }
}

function isOfNode({ one, address }: Endpoint, { node }: Context): boolean {
  return one === undefined && address !== undefined && isLocalAddress(node.links, address);
}

/** The packet as it comes into the node; undefined where nobody knows by which link. */
function packetOf({ from, to }: Way, context: Context): RefusedPacket | undefined {
  const entry = from.one && entryOf(from.one.attachment.link);
  const index = from.address && lookUpRoute(context.node.links, from.address)?.index;
  const input = entry === undefined ? context.survey.links.get(index ?? 0) : context.linkNamed(entry);
  if (from.address === undefined || to.address === undefined || input === undefined) return undefined;
  return { source: from.address, destination: to.address, input };
}

/** A packet with the kernel's own answer about it. */
interface Routed {
  what: "the packet" | "the answer";
  packet: RefusedPacket;
  forwarding: Forwarding;
}

function routed(what: Routed["what"], packet: RefusedPacket, { node }: Context): Routed {
  const { source, destination, input } = packet;
  const [forwarding] = lookUpForwarding(node.links, [{ source, destination, input: input.index }]);
  return { what, packet, forwarding: forwarding! };
}

/** What the node's rules and routes do with the packet and its answer, and the first router beyond. */
function* forwardingHops(packet: RefusedPacket, { to }: Way, context: Context): Generator<Hop> {
  const there = routed("the packet", packet, context);
  const { way } = there.forwarding;
  const by = way && context.survey.links.get(way.index);
  // What leaves by the link of its entry is between pods of one interface.
  const answer =
    by === undefined || by.index === packet.input.index
      ? undefined
      : routed("the answer", { source: packet.destination, destination: packet.source, input: by }, context);
  yield {
    sentence: "the node's rules and routes let the packet pass, and its answer",
    fault: refusedFault(there, context) ?? (answer && refusedFault(answer, context)),
  };
  if (way === undefined || to.one !== undefined) return;
  const router =
    way.gateway === undefined ? "" : `, and the router ${formatAddress(way.gateway)} has not been silent`;
  const broken = brokenWay(way, context);
  yield broken?.severity === "note"
    ? { sentence: broken.sentence, isUndecided: true }
    : { sentence: `${by?.name ?? "it"} has a carrier${router}`, fault: broken };
}

function refusedFault({ what, packet, forwarding }: Routed, { node }: Context): Finding | undefined {
  if (forwarding.error === undefined) return undefined;
  const { cause, proof, cure } = refusalOf(packet, forwarding, node);
  return {
    code: what === "the packet" ? "wayOutRefused" : "answersRefused",
    subject: NODE,
    severity: "error",
    sentence: `the node does not route ${what}: ${cause}`,
    proof,
    cure,
  };
}

function routeHop({ from, to, family }: Way, packet: RefusedPacket | undefined, context: Context): Hop {
  const { address, one } = to;
  const there = packet && one === undefined ? routed("the packet", packet, context) : undefined;
  const { forwarding } = there ?? {};
  const route =
    forwarding === undefined ? address && lookUpRoute(context.node.links, address) : forwarding.way;
  const link = route && context.survey.links.get(route.index);
  const sentence = `the node sends packets for ${to.title === "outside" ? "hosts far away" : address === undefined ? "it" : formatAddress(address)} by ${link?.name ?? "no interface"}`;
  if (one !== undefined) {
    const fault = faultFrom([...examineSubnets(context), ...examineDuplicates(context)], one);
    return { sentence, fault };
  }
  if (isOfNode(to, context)) return { sentence: `${to.title} is an address of the node itself` };
  // A route that leads the answers astray has a cure of its own.
  const astray = from.one && faultFrom(examineSubnets(context), from.one);
  if (astray !== undefined || link !== undefined) return { sentence, fault: astray };
  const isRefused = forwarding?.error !== undefined && !isErrno(forwarding.error, "ENETUNREACH");
  if (there !== undefined && isRefused) return { sentence, fault: refusedFault(there, context) };
  return {
    sentence,
    fault: {
      code: "noRoute",
      subject: "this node",
      severity: "error",
      sentence: `the node has no route to ${to.title === "outside" ? "hosts far away" : addressText(to)}`,
      ...(lostMainRule(family, context.node.links) ?? {
        advice: 'Look at "ip route": a default route is missing',
      }),
    },
  };
}
