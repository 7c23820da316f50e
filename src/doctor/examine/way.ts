// The ways of pods' packets beyond the node and of the answers, as the kernel routes them; and the first
// router on that way.
import { shellWord } from "../../host/difference.ts";
import type { Node } from "../../host/node.ts";
import { type Address, type Family, formatAddress, sameAddress } from "../../ip/address.ts";
import { formatPrefix, type Prefix } from "../../ip/prefix.ts";
import { listAddressesOfAll } from "../../net/address.ts";
import type { CountedLink } from "../../net/link-list.ts";
import { listNeighbours } from "../../net/neighbour.ts";
import {
  type Forwarding,
  lookUpForwarding,
  lookUpRoutes,
  lookUpWay,
  type RouteWay,
} from "../../net/route-look-up.ts";
import { readSysctl } from "../../net/sysctl.ts";
import { FAR_AWAY } from "../../net/way-out.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
import { type Context, type Group, groupsOf, hasFamily } from "../context.ts";
import { type Finding, NODE, nameOf } from "../finding.ts";
import { groupBy } from "../group.ts";
import { lostMainRule, refusalOf } from "../refusal.ts";

/** Packets of pods to hosts far away, and the answers, that the node does not route. */
export function examineWays(context: Context): Finding[] {
  const groups = groupsOf(context);
  return ([4, 6] as const).flatMap((family) => {
    const sending = groups.flatMap((group) => sendersOf(group, family, context));
    return sending.length === 0 ? [] : waysOf(sending, family, context);
  });
}

/** A pod that sends to hosts far away, with the link by which its packets come into the node. */
interface Sender {
  one: SurveyedAttachment;
  group: Group;
  address: Address;
  input: CountedLink;
}

/** Those whose packets come in; a link that is down, or that lost its subnet, is another finding. */
function sendersOf(group: Group, family: Family, context: Context): Sender[] {
  const all = group.members
    .filter((one) => one.attachment.gateway !== undefined && hasFamily(one, family))
    .flatMap((one): Sender[] => {
      const input = group.bridge === undefined ? one.hostLink : context.linkNamed(group.entry);
      const own = one.attachment.addresses.find(({ address }) => address.address.family === family);
      if (input?.up !== true || own === undefined) return [];
      return [{ one, group, address: own.address.address, input }];
    });
  const routes = lookUpRoutes(
    context.node.links,
    all.map(({ address }) => address),
  );
  return all.filter(({ input }, at) => routes[at]?.index === input.index);
}

function waysOf(sending: readonly Sender[], family: Family, context: Context): Finding[] {
  const { links } = context.node;
  const far = FAR_AWAY[family];
  const sent = lookUpForwarding(
    links,
    sending.map(({ address, input }) => ({ source: address, destination: far, input: input.index })),
  );
  const own = lookUpWay(links, far);
  const going = sending.flatMap((sender, at) => {
    const way = sent[at]?.way;
    return way === undefined ? [] : [{ sender, way }];
  });
  const back = lookUpForwarding(
    links,
    going.map(({ sender, way }) => ({ source: far, destination: sender.address, input: way.index })),
  );
  return [
    ...(own === undefined && going.length === 0
      ? withoutWayOut(sending, family, context)
      : sending.flatMap((sender, at) => refusedPacket(sender, { far, forwarding: sent[at] }, context))),
    ...going.flatMap(({ sender, way }, at) =>
      refusedAnswer(sender, { far, way, forwarding: back[at] }, context),
    ),
    ...brokenWays(going, context),
  ];
}

interface Sent {
  far: Address;
  forwarding: Forwarding | undefined;
}

function refusedPacket(
  { one, group, address, input }: Sender,
  { far, forwarding }: Sent,
  context: Context,
): Finding[] {
  if (forwarding === undefined || forwarding.error === undefined) return [];
  const packet = { source: address, destination: far, input };
  const refusal = refusalOf(packet, forwarding, context.node);
  // A switch of the whole node, and one of a bridge, is a difference from the ADD.
  if (refusal.kind === "forwarding" && (group.bridge !== undefined || !forwards())) return [];
  return [
    {
      code: "wayOutRefused",
      subject: nameOf(one),
      severity: "error",
      sentence: `what pods send beyond the node is lost: ${refusal.cause}`,
      proof: refusal.proof,
      cure: refusal.cure,
      attachments: [one],
    },
  ];
}

function refusedAnswer(
  { one, address, input }: Sender,
  { far, way, forwarding }: Sent & { way: RouteWay },
  context: Context,
): Finding[] {
  const by = context.survey.links.get(way.index);
  // Packets that leave by the interface of pods are for other pods.
  if (by === undefined || forwarding === undefined || way.index === input.index) return [];
  if (forwarding.error === undefined) return [];
  const refusal = refusalOf({ source: far, destination: address, input: by }, forwarding, context.node);
  if (refusal.kind === "forwarding" && !forwards()) return [];
  return [
    {
      code: "answersRefused",
      subject: nameOf(one),
      severity: "error",
      sentence: `the answers to pods from beyond the node are lost: ${refusal.cause}`,
      proof: refusal.proof,
      cure: refusal.cure,
      attachments: [one],
    },
  ];
}

/** Whether the node forwards IPv4 at all. */
function forwards(): boolean {
  return readSysctl("ipv4/ip_forward") === "1";
}

/** A node that has an address of the family on another interface than pods, and no way to hosts far away. */
function withoutWayOut(sending: readonly Sender[], family: Family, { node, survey }: Context): Finding[] {
  const ofPods = new Set(sending.map(({ input }) => input.index));
  const uplinks = listAddressesOfAll(node.links, family).flatMap(({ index, prefix, isLinkLocal }) => {
    const link = survey.links.get(index);
    const isOther = link !== undefined && !ofPods.has(index) && !link.isLoopback && !isLinkLocal;
    return isOther && (family === 4 || isGlobal(prefix.address)) ? [{ link, prefix }] : [];
  });
  if (uplinks.length === 0) return [];
  const down = uplinks.find(({ link }) => !link.up);
  return [
    {
      code: "noWayOut",
      subject: NODE,
      severity: "warning",
      sentence: `the node has no way to hosts far away by IPv${family}, so pods reach none`,
      ...reasonOf(down, family, node),
      attachments: sending.map(({ one }) => one),
    },
  ];
}

/** Why there is no way out, and what helps. */
function reasonOf(
  down: { link: CountedLink; prefix: Prefix } | undefined,
  family: Family,
  { links }: Node,
): Pick<Finding, "proof" | "cure" | "advice"> {
  const lost = lostMainRule(family, links);
  if (lost !== undefined) return lost;
  if (down === undefined)
    return { proof: "no default route is there", advice: "Add one, unless the node is to have none" };
  const { link, prefix } = down;
  return {
    proof: `${link.name} with the address ${formatPrefix(prefix)} is down`,
    cure: `ip link set dev ${shellWord(link.name)} up`,
    advice: "Then add the default route again, which went with the interface",
  };
}

/** True for an address of the Internet (2000::/3, RFC 4291). */
function isGlobal({ value }: Address): boolean {
  return value >> 125n === 1n;
}

/** Ways by an interface without a carrier, or by a router that does not answer. */
function brokenWays(going: readonly { sender: Sender; way: RouteWay }[], context: Context): Finding[] {
  const byWay = groupBy(
    going,
    ({ way: { index, gateway } }) => `${index} ${gateway && formatAddress(gateway)}`,
  );
  return [...byWay.values()].flatMap((group) => {
    const finding = brokenWay(group[0]!.way, context);
    return finding === undefined ? [] : [{ ...finding, attachments: group.map(({ sender }) => sender.one) }];
  });
}

/** The fault of a way out; undefined while there is none. */
export function brokenWay({ index, gateway }: RouteWay, { node, survey }: Context): Finding | undefined {
  const link = survey.links.get(index);
  if (link === undefined) return undefined;
  if (!link.hasCarrier)
    return {
      code: "wayOutDown",
      subject: NODE,
      severity: "error",
      sentence: `${link.name}, by which pods' packets leave the node, has no carrier`,
      advice: "Look at the cable, the switch, or the other end of the interface",
    };
  const router =
    gateway &&
    listNeighbours(node.links).find((one) => one.index === index && sameAddress(one.address, gateway));
  if (gateway === undefined || router?.isSilent !== true) return undefined;
  return {
    code: "silentRouter",
    subject: NODE,
    // The kernel asks again when a packet is for it, so what it heard last may be of long ago.
    severity: "note",
    sentence: `the router ${formatAddress(gateway)}, by which pods' packets leave the node, did not answer on ${link.name} when it was asked for last`,
    proof: `"ip neighbour show ${formatAddress(gateway)}" has no MAC for it`,
    advice: "Look whether the router is there, and whether the route names the right one",
  };
}
