// The way of a packet from one end to the other, hop by hop, up to the first that is broken.
import { entryOf } from "../../attachment/link.ts";
import { CniError } from "../../cni/error.ts";
import { allowCommand } from "../../host/forward/allow.ts";
import { dropOf } from "../../host/forward/drop.ts";
import { type ForwardHook, listForwardHooks } from "../../host/forward/hook.ts";
import { type Address, type Family, formatAddress } from "../../ip/address.ts";
import { formatPrefix, networkOf } from "../../ip/prefix.ts";
import { isLocalAddress, lookUpRoute } from "../../net/route.ts";
import type { Packet, PacketLink } from "../../nft/packet.ts";
import { PROTOCOLS as NUMBERS } from "../../nft/port-mapping.ts";
import type { StepName } from "../../plan/step.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
import type { Context } from "../context.ts";
import { findingOf } from "../examine/attachment.ts";
import { examineDuplicates } from "../examine/duplicate.ts";
import { hears } from "../examine/host-port.ts";
import { examineNeighbours } from "../examine/neighbour.ts";
import { examineSubnets } from "../examine/subnet.ts";
import { type Finding, nameOf } from "../finding.ts";
import { addressText, areOnOneBridge, type Endpoint, endOf } from "./endpoint.ts";
import type { Hop } from "./hop.ts";
import { isMasqueradedByNode, nodeHops } from "./node.ts";

/** A way through the node. */
export interface Way {
  from: Endpoint;
  to: Endpoint;
  family: Family;
}

/** The hops up to the first broken one. Changes nothing. Throws CniError and SystemError. */
export function traceWay(way: Way, context: Context): Hop[] {
  const hops: Hop[] = [];
  for (const hop of hopsOf(way, context)) {
    hops.push(hop);
    if (hop.fault !== undefined) break;
  }
  return hops;
}

function* hopsOf(way: Way, context: Context): Generator<Hop> {
  const { from, to } = way;
  if (from.hostPort !== undefined)
    throw new CniError("badEnvironment", {
      message: "a way begins at a pod, an address or outside, not at a port",
    });
  if (to.hostPort !== undefined) yield* hostPortHops(to, context);
  if (from.one !== undefined) yield* sendingHops(from.one, context);
  const own = from.one?.attachment.link.kind;
  if (own === "wire" || own === "device") yield pastTheNode(from.one!, to);
  const isBridged =
    from.one !== undefined &&
    to.one !== undefined &&
    to.hostPort === undefined &&
    areOnOneBridge(from.one, to.one);
  if (isBridged) yield bridgeHop(from.one!, to.one!);
  else if (own !== "wire" && own !== "device") yield* routedHops(way, context);
  if (to.one !== undefined) yield* receivingHops(to, context);
}

/** The steps of a pod's own interface, and those of its end on the node. */
const IN_POD: readonly StepName[] = ["pod", "wire", "device", "sourceRouting", "tuning"];
const ON_NODE: readonly StepName[] = [
  "bridge",
  "veth",
  "portVlan",
  "portMac",
  "spoofCheck",
  "nodeSpoofCheck",
  "arpCheck",
  "hostRoute",
  "bandwidth",
  "announce",
];
const AS_ROUTER: readonly StepName[] = ["vlanGateway", "gateway", "forwarding", "ingressPolicy"];
const WAY_OUT: readonly StepName[] = ["masquerade", "iptablesMasquerade"];

function stepHop(
  one: SurveyedAttachment,
  { steps, sentence }: { steps: readonly StepName[]; sentence: string },
  context: Context,
): Hop {
  const facts = context.pods.find(({ surveyed }) => surveyed === one);
  const difference = facts?.differences.find(({ step }) => steps.includes(step));
  return { sentence, fault: difference && facts && findingOf(difference, facts) };
}

/** The first fault of an examination from which the pod suffers. */
function faultFrom(findings: readonly Finding[], one: SurveyedAttachment): Finding | undefined {
  return findings.find(
    ({ severity, attachments, networks }) =>
      severity !== "note" &&
      (attachments?.includes(one) ?? networks?.includes(one.attachment.key.network) ?? true),
  );
}

function* sendingHops(one: SurveyedAttachment, context: Context): Generator<Hop> {
  const { link, addresses } = one.attachment;
  const texts = addresses.map(({ address }) => formatPrefix(address)).join(", ");
  // A link that is down is a difference of the step "veth", on whichever side.
  yield stepHop(
    one,
    { steps: IN_POD, sentence: `${nameOf(one)} has ${texts} on ${link.pod.name}, with its routes` },
    context,
  );
  yield { sentence: "no static neighbour misleads it", fault: faultFrom(examineNeighbours(context), one) };
  if (link.kind === "wire" || link.kind === "device") return;
  const on = link.kind === "bridgePort" ? ` and forwards on ${link.bridge.name}` : "";
  yield stepHop(one, { steps: ON_NODE, sentence: `${endOf(one)}, its end on the node, is up${on}` }, context);
}

/** The way of a pod whose packets do not pass the node. */
function pastTheNode(from: SurveyedAttachment, { one, title }: Endpoint): Hop {
  const { key, link } = from.attachment;
  const isOther = one !== from && one?.attachment.key.network === key.network;
  if (link.kind === "device") return { sentence: `packets leave by ${link.former.name}, past the node` };
  const sentence = `the wire of network ${key.network} leads to ${title}`;
  if (isOther) return { sentence };
  return {
    sentence,
    fault: {
      subject: nameOf(from),
      severity: "error",
      sentence: `the wire of network ${key.network} leads to its other pod alone, and not to ${title}`,
      advice: "Give the pod a second network with a gateway",
      attachments: [from],
    },
  };
}

/** Frames between two ports of one bridge; isolated ones reach each other by no way. */
function bridgeHop(from: SurveyedAttachment, to: SurveyedAttachment): Hop {
  const [a, b] = [from.attachment.link, to.attachment.link];
  const isCut = a.kind === "bridgePort" && b.kind === "bridgePort" && a.isolated && b.isolated;
  const bridge = a.kind === "bridgePort" ? a.bridge.name : "";
  const sentence = `${bridge} leads frames from ${endOf(from)} to ${endOf(to)}`;
  if (!isCut) return { sentence };
  return {
    sentence,
    fault: {
      subject: `network ${from.attachment.key.network}`,
      severity: "error",
      sentence: `both ports are isolated on ${bridge}, so the pods do not reach each other`,
      proof: "portIsolation or the ingress policy of the network asks for it",
      advice:
        'Take portIsolation, or "ingressPolicy": "isolated", out of the configuration and make the pods anew',
      attachments: [from, to],
    },
  };
}

function* routedHops(way: Way, context: Context): Generator<Hop> {
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
  yield routeHop(way, context);
  if (to.one === undefined && to.address !== undefined) yield* nodeHops(to.address, context);
  // What is for the node itself is not forwarded.
  if (isOfNode(to, context)) return;
  yield* firewallHops(way, context);
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

function routeHop({ to }: Way, context: Context): Hop {
  const { address, one } = to;
  const route = address && lookUpRoute(context.node.links, address);
  const link = route && context.survey.links.get(route.index);
  const sentence = `the node sends packets for ${to.title === "outside" ? "hosts far away" : address === undefined ? "it" : formatAddress(address)} by ${link?.name ?? "no interface"}`;
  if (one !== undefined) {
    const fault = faultFrom([...examineSubnets(context), ...examineDuplicates(context)], one);
    return { sentence, fault };
  }
  if (isOfNode(to, context)) return { sentence: `${to.title} is an address of the node itself` };
  if (link !== undefined) return { sentence };
  return {
    sentence,
    fault: {
      subject: "this node",
      severity: "error",
      sentence: `the node has no route to ${to.title === "outside" ? "hosts far away" : addressText(to)}`,
      advice: 'Look at "ip route": a default route is missing',
    },
  };
}

function* firewallHops(way: Way, context: Context): Generator<Hop> {
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

function* hostPortHops(to: Endpoint, context: Context): Generator<Hop> {
  const { one, mapping, title } = to;
  if (one === undefined || mapping === undefined) {
    yield {
      sentence: title,
      fault: {
        subject: title,
        severity: "error",
        sentence: `no pod has ${title}`,
        advice: '"pontoon ls" lists the host ports of pods',
      },
    };
    return;
  }
  yield stepHop(
    one,
    { steps: ["hostPorts"], sentence: `${title} leads to ${addressText(to)}, ${nameOf(one)}` },
    context,
  );
}

function* receivingHops(to: Endpoint, context: Context): Generator<Hop> {
  const one = to.one!;
  const { link } = one.attachment;
  if (link.kind !== "wire" && link.kind !== "device") {
    const on = link.kind === "bridgePort" ? `, a port of ${link.bridge.name},` : "";
    yield stepHop(one, { steps: ON_NODE, sentence: `${endOf(one)}${on} of ${nameOf(one)} is up` }, context);
  }
  yield stepHop(
    one,
    {
      steps: IN_POD,
      sentence: `${nameOf(one)} has ${to.address === undefined ? "its address" : formatAddress(to.address)}, and a route back`,
    },
    context,
  );
  yield {
    sentence: "no static neighbour misleads its answer",
    fault: faultFrom(examineNeighbours(context), one),
  };
  if (to.port !== undefined) yield listenerHop(to, context);
}

function listenerHop(to: Endpoint, context: Context): Hop {
  const { one, port = 0, protocol, address } = to;
  const facts = context.pods.find(({ surveyed }) => surveyed === one);
  const sentence = `a program in ${nameOf(one!)} listens on ${port}/${protocol}`;
  const wanted = {
    protocol,
    hostPort: port,
    hostPortEnd: port,
    containerPort: port,
    address: address === undefined ? "" : formatAddress(address),
  };
  if (facts?.listeners === undefined || facts.listeners.some((listener) => hears(listener, wanted)))
    return { sentence };
  const ports = [
    ...new Set(
      facts.listeners
        .filter((each) => each.protocol === protocol)
        .map((each) => `${formatAddress(each.address)}:${each.port}`),
    ),
  ];
  return {
    sentence,
    fault: {
      subject: nameOf(one!),
      severity: "error",
      sentence: `nobody in ${nameOf(one!)} listens on ${port}/${protocol}`,
      proof:
        ports.length === 0
          ? `no program in the pod listens by ${protocol}`
          : `the pod listens by ${protocol} on ${ports.slice(0, 5).join(", ")}`,
      advice: "Start the program in the pod, or correct the port",
      attachments: [one!],
    },
  };
}
