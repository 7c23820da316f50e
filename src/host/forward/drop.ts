// What the node's firewalls do to the packets of a network's pods.
import type { Address, Family } from "../../ip/address.ts";
import { describeWayOut } from "../../look/bridge.ts";
import { getLink } from "../../net/link.ts";
import {
  endsOf,
  isDropped,
  type Packet,
  type PacketEnd,
  type PacketEnds,
  type PacketLink,
} from "../../nft/packet.ts";
import type { Node } from "../node.ts";
import { type ForwardHook, listForwardHooks } from "./hook.ts";

/** A network's packets, in one family. */
export interface PodTraffic {
  family: Family;
  /** The interface by which the pods' packets come in; it may not be there yet. */
  entry: string;
  /** An address of a pod, or one that a pod may get. */
  pod: Address;
  /** Pods of it have host ports. */
  hasHostPorts: boolean;
}

/** The ways of packets that a pod needs. */
export type Way = "out" | "answer" | "hostPort";

/** A hook that drops packets of a network. */
export interface Dropping {
  hook: ForwardHook;
  way: Way;
  /** Where they end. */
  end: PacketEnd;
  /** False: a rule of which it cannot be told whether it fits may drop them. */
  isCertain: boolean;
}

/** The hooks that drop a network's packets, the first way of each. Throws SystemError. */
export function droppingHooks(
  traffic: PodTraffic,
  node: Node,
  hooks: readonly ForwardHook[] = listForwardHooks(node),
): Dropping[] {
  const packets = packetsOf(traffic, node);
  return hooks
    .filter(({ families }) => families.includes(traffic.family))
    .flatMap((hook) => firstDrop(hook, packets) ?? []);
}

/** The end of a packet that the hook drops for certain; undefined where it may pass. Throws SystemError. */
export function dropOf(hook: ForwardHook, packet: Packet): PacketEnd | undefined {
  const ends = endsOf(hook, packet);
  return isDropped(ends) ? endToTell(ends, true) : undefined;
}

function firstDrop(hook: ForwardHook, packets: readonly [Way, Packet][]): Dropping | undefined {
  const seen = packets.map(([way, packet]) => ({ way, ends: endsOf(hook, packet) }));
  const certain = seen.find(({ ends }) => isDropped(ends));
  const possible = certain ?? seen.find(({ ends }) => ends.drops.some(isByRule));
  if (possible === undefined) return undefined;
  const { way, ends } = possible;
  const end = endToTell(ends, certain !== undefined);
  return end && { hook, way, end, isCertain: certain !== undefined };
}

/** The end that is certain, or the first rule that may drop; a policy behind unknown rules says nothing. */
function endToTell({ drops }: PacketEnds, isCertain: boolean): PacketEnd | undefined {
  return isCertain ? (drops.find((end) => end.isCertain) ?? drops.at(-1)) : drops.find(isByRule);
}

function isByRule({ rule }: PacketEnd): boolean {
  return rule !== undefined;
}

/** The first packet of a pod to a host far away, the answer to it, and the first packet to a host port. */
function packetsOf({ family, entry, pod, hasHostPorts }: PodTraffic, node: Node): [Way, Packet][] {
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
