// The hops inside a pod: its own rules and routes, and the packet filter that a program in it has.
import { inPod } from "../../host/difference.ts";
import { type FirewallHook, listFirewallHooks } from "../../host/forward/hook.ts";
import { fateAt, passagesOf, type Route } from "../../host/forward/passage.ts";
import { openRecordedPod } from "../../host/namespace.ts";
import type { Pod } from "../../host/pod.ts";
import { type Address, formatAddress } from "../../ip/address.ts";
import { getLink } from "../../net/link.ts";
import { lookUpWay } from "../../net/route-look-up.ts";
import { NetlinkSocket } from "../../netlink/socket.ts";
import { NETLINK_NETFILTER } from "../../netlink/uapi/netlink.ts";
import type { Packet } from "../../nft/packet.ts";
import { PROTOCOLS as NUMBERS } from "../../nft/port-mapping.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
import type { Context } from "../context.ts";
import { packetBetween } from "../examine/lost-packet.ts";
import { type Finding, nameOf } from "../finding.ts";
import { refusedByRule } from "../refusal.ts";
import type { Hop, Way } from "./hop.ts";

/** What the pod that sends does with the packet and its answer. */
export function* insideSender(way: Way, context: Context): Generator<Hop> {
  const { from, to, family } = way;
  const one = from.one!;
  const own = one.attachment.addresses.find(({ address }) => address.address.family === family);
  // Its gateway is the address of the node that a pod is sure to reach.
  const destination = to.hostPort === undefined ? to.address : own?.gateway;
  if (own === undefined || destination === undefined) return;
  using pod = openRecordedPod(one.attachment, context.node);
  if (pod === undefined) return;
  yield routeHop(one, { pod, source: own.address.address, destination });
  const port = to.hostPort ?? to.port;
  const packet = packetOf(way, { source: own.address.address, destination, port });
  yield* filterHops(one, { pod, there: "output", packet });
}

/** What the pod that receives does with the packet and its answer. */
export function* insideReceiver(way: Way, context: Context): Generator<Hop> {
  const { from, to } = way;
  const one = to.one!;
  using pod = openRecordedPod(one.attachment, context.node);
  if (pod === undefined || to.address === undefined) return;
  const source = from.title === "outside" || to.hostPort !== undefined ? undefined : from.address;
  const packet = packetOf(way, { source, destination: to.address, port: to.port });
  yield* filterHops(one, { pod, there: "input", packet });
}

/** The pod's own rules and routes lead by the interface of this attachment. */
function routeHop(
  one: SurveyedAttachment,
  { pod, source, destination }: { pod: Pod; source: Address; destination: Address },
): Hop {
  const { name } = one.attachment.link.pod;
  const text = formatAddress(destination);
  const way = lookUpWay(pod.links, destination, source);
  const by = way && getLink(pod.links, { index: way.index })?.name;
  const sentence = `its routes lead to ${text} by ${name}`;
  if (by === name) return { sentence };
  const about = {
    code: "podLeadsElsewhere",
    subject: nameOf(one),
    severity: "error",
    attachments: [one],
  } as const;
  if (by !== undefined)
    return {
      sentence,
      fault: {
        ...about,
        sentence: `the pod sends packets for ${text} by ${by}, and not by ${name}`,
        advice: `Where ${by} is meant, trace the way from the pod's address there`,
      },
    };
  const packet = { source, destination, input: { name: "lo", index: 1 } };
  const refusal = refusedByRule(packet, pod.links);
  return {
    sentence,
    fault: {
      ...about,
      sentence: `the pod has no way to ${text}${refusal === undefined ? "" : `: ${refusal.cause}`}`,
      cure: refusal?.cure && inPod(pod, refusal.cure),
      advice: refusal === undefined ? 'Look at "ip route" in the pod' : undefined,
    },
  };
}

interface Ends {
  source: Address | undefined;
  destination: Address;
  port: number | undefined;
}

function packetOf({ family, to }: Way, { source, destination, port }: Ends): Packet {
  return {
    ...packetBetween(source, destination, family),
    protocol: port === undefined ? undefined : NUMBERS[to.protocol],
    destinationPort: port,
  };
}

/** A pod's packet filter, and the packet as it leaves the pod or comes there. */
interface Filtering {
  pod: Pod;
  there: Extract<Route, "output" | "input">;
  packet: Packet;
}

function* filterHops(one: SurveyedAttachment, { pod, there, packet }: Filtering): Generator<Hop> {
  using rules = pod.inside(() => NetlinkSocket.open(NETLINK_NETFILTER));
  const firewall = pod.inside(() => listFirewallHooks({ rules }));
  if (firewall.length === 0) return;
  const { name } = one.attachment.link.pod;
  const index = getLink(pod.links, { name })?.index;
  const link = { name, index, group: 0 };
  const answer: Packet = {
    ...packet,
    source: packet.destination,
    destination: packet.source,
    sourcePort: packet.destinationPort,
    destinationPort: undefined,
    state: "established",
  };
  const isOut = there === "output";
  yield* fates(one, { what: "the packet", packet, route: there, link, firewall });
  yield* fates(one, {
    what: "the answer",
    packet: answer,
    route: isOut ? "input" : "output",
    link,
    firewall,
  });
}

interface Meeting {
  what: string;
  packet: Packet;
  route: "output" | "input";
  link: NonNullable<Packet["input"]>;
  firewall: readonly FirewallHook[];
}

function* fates(one: SurveyedAttachment, { what, packet, route, link, firewall }: Meeting): Generator<Hop> {
  const hooks = { firewall, frames: [], filtersBridges: { 4: false, 6: false } };
  const seen = route === "output" ? { ...packet, output: link } : { ...packet, input: link };
  const side = { link, isTranslated: false };
  const met = passagesOf({ packet: seen, from: side, to: side, route }, hooks).map(
    ({ hook, ...passage }) => ({
      hook,
      ...fateAt({ hook, ...passage }),
    }),
  );
  const dropping = met.find(({ drop }) => drop?.isCertain === true);
  yield {
    sentence: `the pod's own packet filter lets ${what} pass`,
    fault:
      dropping && faultOf(one, { title: dropping.hook.title, text: dropping.drop?.end.rule?.text, what }),
  };
  for (const { hook, queue, translation } of met) {
    const end = queue ?? translation;
    const does =
      queue === undefined ? `may give ${what} another destination` : `may hand ${what} to another program`;
    if (end !== undefined)
      yield { sentence: `in the pod ${hook.title} ${does}: ${end.rule?.text ?? ""}`, isUndecided: true };
  }
}

function faultOf(
  one: SurveyedAttachment,
  { title, text, what }: { title: string; text: string | undefined; what: string },
): Finding {
  return {
    code: "firewallDrops",
    subject: nameOf(one),
    severity: "error",
    sentence: `in the pod ${title} drops ${what}`,
    proof: text === undefined ? "its policy is drop, and no rule accepts it" : `its rule is: ${text}`,
    advice: "A program in the pod made that rule, or one that enters it, such as a service mesh: look there",
    attachments: [one],
  };
}
