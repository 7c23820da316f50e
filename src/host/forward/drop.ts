// What the node's firewalls do to the packets of a network's pods.
import type { Address, Family } from "../../ip/address.ts";
import { getLink } from "../../net/link.ts";
import { describeWayOut } from "../../net/way-out.ts";
import {
  endsOf,
  isDropped,
  type Packet,
  type PacketEnd,
  type PacketEnds,
  type PacketLink,
} from "../../nft/packet.ts";
import type { Node } from "../node.ts";
import { type FirewallHook, listForwardHooks } from "./hook.ts";

/** A network's packets, in one family. */
export interface PodTraffic {
  family: Family;
  /** The interface by which the pods' packets come in; it may not be there yet. */
  entry: string;
  /** An address of a pod, or one that a pod may get; undefined: any. */
  pod: Address | undefined;
  /** Pods of it have host ports. */
  hasHostPorts: boolean;
}

/** The ways of packets that a pod needs. */
export type Way = "out" | "answer" | "hostPort";

/** A hook that drops packets of a network. */
export interface Dropping extends Drop {
  hook: FirewallHook;
  way: Way;
}

/** The hooks that drop what is forwarded for a network, the first way of each. Throws SystemError. */
export function droppingHooks(
  traffic: PodTraffic,
  node: Node,
  hooks: readonly FirewallHook[] = listForwardHooks(node),
): Dropping[] {
  const packets = packetsOfPod(traffic, node);
  return hooks
    .filter(({ families }) => families.includes(traffic.family))
    .flatMap((hook) => firstDrop(hook, packets) ?? []);
}

/** The end of a packet that a hook drops, or may drop by a rule. */
export interface Drop {
  end: PacketEnd;
  /** False: a rule of which it cannot be told whether it fits may drop it. */
  isCertain: boolean;
}

/** What may become of a packet at a hook, other than to pass. */
export interface Fate {
  /** The way in which it is dropped. */
  drop: Drop | undefined;
  /** The rule that hands it to another program, which decides. */
  queue: PacketEnd | undefined;
  /** The rule that gives it another destination or source. */
  translation: PacketEnd | undefined;
}

/** What a hook does to a packet. Throws SystemError. */
export function fateOf(hook: FirewallHook, packet: Packet): Fate {
  const ends = endsOf(hook, packet);
  const isCertain = isDropped(ends);
  const end = endToTell(ends, isCertain);
  return {
    drop: end && { end, isCertain },
    queue: ends.accepts.find(({ rule }) => rule?.verdict.kind === "queue"),
    translation: ends.accepts.find(({ rule }) => rule?.verdict.kind === "translate"),
  };
}

function firstDrop(hook: FirewallHook, packets: readonly [Way, Packet][]): Dropping | undefined {
  const drops = packets.flatMap(([way, packet]): Dropping[] => {
    const { drop } = fateOf(hook, packet);
    return drop === undefined ? [] : [{ hook, way, ...drop }];
  });
  return drops.find(({ isCertain }) => isCertain) ?? drops[0];
}

/** The end that is certain, or the first rule that may drop; a policy behind unknown rules says nothing. */
function endToTell({ drops }: PacketEnds, isCertain: boolean): PacketEnd | undefined {
  return isCertain ? (drops.find((end) => end.isCertain) ?? drops.at(-1)) : drops.find(isByRule);
}

function isByRule({ rule }: PacketEnd): boolean {
  return rule !== undefined;
}

/** The first packet of a pod to a host far away, the answer to it, and the first packet to a host port. */
export function packetsOfPod({ family, entry, pod, hasHostPorts }: PodTraffic, node: Node): [Way, Packet][] {
  const wayOut = describeWayOut(family, node.links);
  const link = getLink(node.links, { name: entry });
  const inside: PacketLink = { name: entry, index: link?.index, group: link?.group ?? 0 };
  const outside = wayOut && linkOf(wayOut.index, node);
  const common = { family, protocol: undefined, destinationPort: undefined, isTranslated: false } as const;
  const out: Packet = {
    ...common,
    input: inside,
    output: outside,
    source: pod,
    destination: undefined,
    state: "new",
  };
  const back: Packet = {
    ...common,
    input: outside,
    output: inside,
    source: undefined,
    destination: pod,
    state: "established",
  };
  const port: Packet = { ...back, state: "new", isTranslated: true };
  return [["out", out], ["answer", back], ...(hasHostPorts ? [["hostPort", port] as [Way, Packet]] : [])];
}

function linkOf(index: number, node: Node): PacketLink | undefined {
  const link = getLink(node.links, { index });
  return link && { name: link.name, index, group: link.group };
}
