// The packets of a group of pods that chains of others drop: those to hosts far away and back, and those from
// port to port of one bridge.
import { bridgeOf, hostEndOf } from "../../attachment/link.ts";
import { type Drop, type PodTraffic, packetsOfPod, type Way } from "../../host/forward/drop.ts";
import type { FirewallHook } from "../../host/forward/hook.ts";
import { fateAt, type NodeHooks, type PacketWay, passagesOf, type Side } from "../../host/forward/passage.ts";
import type { Address, Family } from "../../ip/address.ts";
import { FAR_AWAY } from "../../net/way-out.ts";
import type { Packet, PacketLink } from "../../nft/packet.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
import { type Context, type Group, hasFamily } from "../context.ts";
import { isMasqueradedByNode } from "../trace/node.ts";

/** A hook that drops packets of pods, or hands them to another program. */
export interface Loss extends Drop {
  hook: FirewallHook;
  /** `each`: between pods of one bridge. */
  way: Way | "each";
  /** The pods have an address of the node there, so no rule can tell them from others. */
  isTranslated: boolean;
  /** The pods that suffer; undefined: all of the network. */
  who: readonly SurveyedAttachment[] | undefined;
}

/** What the hooks drop of a group's packets in one family. Throws SystemError. */
export function lossesOf(group: Group, { family, hooks, context }: Looking): Loss[] {
  const members = group.members.filter((one) => hasFamily(one, family));
  const looking = { family, hooks, context };
  const far = members.filter(({ attachment }) => attachment.gateway !== undefined);
  const isLookedAt = far.length > 0 && hooks.firewall.length + hooks.frames.length > 0;
  const traffic = isLookedAt ? farTrafficOf(far, group, looking) : undefined;
  return [
    ...(traffic === undefined ? [] : firewallLosses(far, traffic, looking)),
    ...(traffic === undefined || hooks.frames.length === 0 ? [] : frameLosses(far, traffic, looking)),
    ...(group.bridge === undefined ? [] : eachOther(group.bridge, members, looking)),
  ];
}

/** The family that is looked at, and the hooks that may drop its packets. */
export interface Looking {
  family: Family;
  hooks: NodeHooks;
  context: Context;
}

/** The traffic of pods with hosts far away; the node's table may be large, so it is looked at once. */
interface FarTraffic extends PodTraffic {
  /** The node's own table gives the packets an address of the node. */
  isMasqueraded: boolean;
}

function farTrafficOf(
  far: readonly SurveyedAttachment[],
  group: Group,
  { family, context }: Looking,
): FarTraffic {
  const traffic = trafficOf(far, group, family);
  return { ...traffic, isMasqueraded: isMasqueradedByNode(traffic.pod, FAR_AWAY[family], context) };
}

/** The traffic of the first of some pods, which stands for all. */
export function trafficOf(
  pods: readonly SurveyedAttachment[],
  { entry }: Pick<Group, "entry">,
  family: Family,
): PodTraffic {
  return {
    family,
    entry,
    pod: addressOf(pods[0]!, family)!,
    hasHostPorts: pods.some(({ attachment }) => attachment.hostPorts !== undefined),
  };
}

/** What chains at the hooks of IP drop; one pod stands for all, as these tell pods by addresses alone. */
function firewallLosses(far: readonly SurveyedAttachment[], traffic: FarTraffic, looking: Looking): Loss[] {
  const hooks = { ...looking.hooks, frames: [] };
  return far
    .slice(0, 1)
    .flatMap((one) => waysOf(one, traffic, looking))
    .flatMap(({ about, ...way }) => lost(way, hooks, { way: about, who: undefined }));
}

/** What chains at the pods' ports, the bridge and the way out drop. */
function frameLosses(far: readonly SurveyedAttachment[], traffic: FarTraffic, looking: Looking): Loss[] {
  const hooks = { ...looking.hooks, firewall: [] };
  return far.flatMap((one) =>
    waysOf(one, traffic, looking).flatMap(({ about, ...way }) =>
      lost(way, hooks, { way: about, who: [one] }),
    ),
  );
}

/** A pod's packets to hosts far away, and from them. */
function waysOf(
  one: SurveyedAttachment,
  traffic: FarTraffic,
  { context, family }: Looking,
): (PacketWay & { about: Way })[] {
  const { link, masquerade } = one.attachment;
  const [port, end, address] = [portOf(one, context), hostEndOf(link), addressOf(one, family)];
  return packetsOfPod(traffic, context.node).map(([about, packet]) => {
    const isOut = about === "out";
    const [inside, outside] = isOut ? [packet.input, packet.output] : [packet.output, packet.input];
    const own: Side = {
      link: port === undefined && end !== undefined ? linkOf(end.name, context) : inside,
      port,
      bridge: bridgeOf(link),
      isTranslated: false,
    };
    const isTranslated = masquerade !== undefined || traffic.isMasqueraded || about === "hostPort";
    const other: Side = { link: outside, isTranslated };
    const seen = { ...packet, ...(isOut ? { source: address } : { destination: address }) };
    const [from, to] = isOut ? [own, other] : [other, own];
    return { packet: seen, from, to, route: "forward", about };
  });
}

/** What is dropped between the pods of a bridge, each of which sends to the next. */
function eachOther(bridge: string, members: readonly SurveyedAttachment[], looking: Looking): Loss[] {
  const { hooks, family, context } = looking;
  if (members.length < 2) return [];
  const sees = (one: SurveyedAttachment): Side => ({
    link: linkOf(bridge, context),
    port: portOf(one, context),
    bridge,
    isTranslated: false,
  });
  return members.flatMap((one, at) => {
    const next = members[(at + 1) % members.length]!;
    if (isIsolated(one) && isIsolated(next)) return [];
    // As for packets to hosts far away, one pod stands for all in chains that tell pods by addresses alone.
    const seen = at === 0 ? hooks : { ...hooks, filtersBridges: { 4: false, 6: false } };
    const packet = packetBetween(addressOf(one, family), addressOf(next, family), family);
    const way = { packet, from: sees(one), to: sees(next), route: "bridge" } as const;
    const about = { way: "each", who: [one, next] } as const;
    const answer: Packet = {
      ...packet,
      source: packet.destination,
      destination: packet.source,
      state: "established",
    };
    return [
      ...lost(way, seen, about),
      ...lost({ ...way, packet: answer, from: way.to, to: way.from }, seen, about),
    ];
  });
}

/** The first packet of a connection, of whatever protocol, before it has met an interface. */
export function packetBetween(
  source: Address | undefined,
  destination: Address | undefined,
  family: Family,
): Packet {
  return {
    family,
    input: undefined,
    output: undefined,
    source,
    destination,
    protocol: undefined,
    destinationPort: undefined,
    state: "new",
    isTranslated: false,
  };
}

function lost(way: PacketWay, hooks: NodeHooks, about: Pick<Loss, "way" | "who">): Loss[] {
  return passagesOf(way, hooks).flatMap((passage): Loss[] => {
    const { hook, isTranslated } = passage;
    const { drop, queue } = fateAt(passage);
    const known = { hook, isTranslated, ...about };
    if (drop?.isCertain !== true && queue !== undefined) return [{ ...known, end: queue, isCertain: false }];
    return drop === undefined ? [] : [{ ...known, ...drop }];
  });
}

function isIsolated({ attachment: { link } }: SurveyedAttachment): boolean {
  return link.kind === "bridgePort" && link.isolated;
}

function portOf({ attachment: { link } }: SurveyedAttachment, context: Context): PacketLink | undefined {
  return link.kind === "bridgePort" ? linkOf(link.host.name, context) : undefined;
}

function linkOf(name: string, context: Context): PacketLink {
  const link = context.linkNamed(name);
  return { name, index: link?.index, group: link?.group ?? 0 };
}

function addressOf({ attachment }: SurveyedAttachment, family: Family): Address | undefined {
  return attachment.addresses.find(({ address }) => address.address.family === family)?.address.address;
}
