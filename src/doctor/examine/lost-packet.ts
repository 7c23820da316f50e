// The packets of a group of pods that chains of others drop: those to hosts far away and back, and those from
// port to port of one bridge.
import { hostEndOf } from "../../attachment/link.ts";
import {
  type Drop,
  dropOf,
  droppingHooks,
  type PodTraffic,
  packetsOfPod,
  type Way,
} from "../../host/forward/drop.ts";
import type { ForwardHook } from "../../host/forward/hook.ts";
import { type NodeHooks, type PacketWay, passagesOf, type Side } from "../../host/forward/passage.ts";
import type { Address, Family } from "../../ip/address.ts";
import { FAR_AWAY } from "../../look/bridge.ts";
import type { Packet, PacketLink } from "../../nft/packet.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
import { type Context, type Group, hasFamily } from "../context.ts";
import { isMasqueradedByNode } from "../trace/node.ts";

/** A hook that drops packets of pods. */
export interface Loss extends Drop {
  hook: ForwardHook;
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
  const traffic = far.length === 0 ? undefined : trafficOf(far, group, family);
  return [
    ...(traffic === undefined ? [] : forwardLosses(traffic, looking)),
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

function forwardLosses(traffic: PodTraffic, { hooks, context }: Looking): Loss[] {
  return droppingHooks(traffic, context.node, hooks.forward).map((dropping) => ({
    ...dropping,
    isTranslated: false,
    who: undefined,
  }));
}

/** What chains at the pods' ports, the bridge and the way out drop. */
function frameLosses(
  far: readonly SurveyedAttachment[],
  traffic: PodTraffic,
  { hooks, context, family }: Looking,
): Loss[] {
  const packets = packetsOfPod(traffic, context.node);
  const isOfNode = isMasqueradedByNode(traffic.pod, FAR_AWAY[family], context);
  return far.flatMap((one) => {
    const { link, masquerade } = one.attachment;
    const [port, end] = [portOf(one, context), hostEndOf(link)];
    return packets.flatMap(([way, packet]) => {
      const [isOut, address] = [way === "out", addressOf(one, family)];
      const [inside, outside] = isOut ? [packet.input, packet.output] : [packet.output, packet.input];
      const own: Side = {
        link: port === undefined && end !== undefined ? linkOf(end.name, context) : inside,
        port,
        isTranslated: false,
      };
      const isTranslated = masquerade !== undefined || isOfNode || way === "hostPort";
      const other: Side = { link: outside, isTranslated };
      const seen = { ...packet, ...(isOut ? { source: address } : { destination: address }) };
      const [from, to] = isOut ? [own, other] : [other, own];
      return lost(
        { packet: seen, from, to, isBridged: false },
        { ...hooks, forward: [] },
        { way, who: [one] },
      );
    });
  });
}

/** What is dropped between the pods of a bridge, each of which sends to the next. */
function eachOther(bridge: string, members: readonly SurveyedAttachment[], looking: Looking): Loss[] {
  const { hooks, family, context } = looking;
  if (members.length < 2) return [];
  const sees = (one: SurveyedAttachment): Side => ({
    link: linkOf(bridge, context),
    port: portOf(one, context),
    isTranslated: false,
  });
  return members.flatMap((one, at) => {
    const next = members[(at + 1) % members.length]!;
    if (isIsolated(one) && isIsolated(next)) return [];
    // As for packets to hosts far away, one pod stands for all in chains that tell pods by addresses alone.
    const seen = at === 0 ? hooks : { ...hooks, filtersBridges: { 4: false, 6: false } };
    const packet = packetBetween(addressOf(one, family), addressOf(next, family), family);
    const way = { packet, from: sees(one), to: sees(next), isBridged: true };
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

function packetBetween(
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
  return passagesOf(way, hooks).flatMap(({ hook, packet, isTranslated }): Loss[] => {
    const drop = dropOf(hook, packet);
    return drop === undefined ? [] : [{ hook, isTranslated, ...about, ...drop }];
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
