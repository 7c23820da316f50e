// The chains that a packet of a pod meets on the node, in order: at the devices by which it comes in, from
// port to port of a bridge or in the hook "forward", and at the devices by which it leaves.
import type { Family } from "../../ip/address.ts";
import { filterSees } from "../../look/packet-filter.ts";
import type { Packet, PacketLink } from "../../nft/packet.ts";
import type { Node } from "../node.ts";
import { listBaseChains } from "./base-chain.ts";
import { type FrameHook, frameHooksOf, isOfDevice } from "./frame-hook.ts";
import { type ForwardHook, listForwardHooks } from "./hook.ts";

/** The hooks of the node, and the families of which "forward" sees packets between ports of a bridge, too. */
export interface NodeHooks {
  forward: readonly ForwardHook[];
  frames: readonly FrameHook[];
  filtersBridges: { readonly [Each in Family]: boolean };
}

/** The hooks of the node. Rules are read when a packet comes to them. Throws SystemError. */
export function listNodeHooks(node: Node): NodeHooks {
  const chains = listBaseChains(node);
  return {
    forward: listForwardHooks(node, chains),
    frames: frameHooksOf(chains),
    filtersBridges: { 4: filterSees(4), 6: filterSees(6) },
  };
}

/** One side of a packet's way. */
export interface Side {
  /** The interface to or from which the node routes: a bridge, a pod's end, the way out. */
  link: PacketLink | undefined;
  /** The port of the bridge. */
  port?: PacketLink | undefined;
  /** The pod has an address of the node beyond it: it masquerades, or a host port leads to it. */
  isTranslated: boolean;
}

/** A packet's way through the node. */
export interface PacketWay {
  packet: Packet;
  from: Side;
  to: Side;
  /** The packet goes from port to port of one bridge, and no router is between them. */
  isBridged: boolean;
}

/** A hook that a packet meets, with the packet as the hook sees it. */
export interface Passage {
  hook: ForwardHook;
  packet: Packet;
  /** The pod has an address of the node there. */
  isTranslated: boolean;
}

/** The hooks that the packet meets, in order. */
export function passagesOf({ packet, from, to, isBridged }: PacketWay, hooks: NodeHooks): Passage[] {
  const frames = hooks.frames.length > 0;
  const inner = isBridged ? betweenPorts({ packet, from, to, isBridged }, hooks) : forwarded(packet, hooks);
  if (!frames) return inner;
  const incoming = isBridged ? [from.port] : [from.port, from.link];
  const outgoing = isBridged ? [to.port] : [to.link, to.port];
  return [
    ...incoming.flatMap((link) => atDevice(link, { packet, side: from, at: "ingress" }, hooks)),
    ...inner,
    ...outgoing.flatMap((link) => atDevice(link, { packet, side: to, at: "egress" }, hooks)),
  ];
}

function forwarded(packet: Packet, { forward }: NodeHooks): Passage[] {
  return forward
    .filter(({ families }) => families.includes(packet.family))
    .map((hook) => ({ hook, packet, isTranslated: false }));
}

/** Frames between ports; the packet filter sees them with the bridge as both interfaces (br_netfilter). */
function betweenPorts({ packet, from, to }: PacketWay, hooks: NodeHooks): Passage[] {
  const bridge = from.link && { name: from.link.name };
  const frame: Packet = { ...packet, input: from.port, output: to.port, bridge, state: undefined };
  const filtered: Packet = { ...packet, input: from.link, output: from.link };
  return [
    ...hooks.frames
      .filter(({ at }) => at === "port")
      .map((hook) => ({ hook, packet: frame, isTranslated: false })),
    ...(hooks.filtersBridges[packet.family] ? forwarded(filtered, hooks) : []),
  ];
}

function atDevice(
  link: PacketLink | undefined,
  { packet, side, at }: { packet: Packet; side: Side; at: "ingress" | "egress" },
  { frames }: NodeHooks,
): Passage[] {
  if (link === undefined) return [];
  const { isTranslated } = side;
  const own = at === "ingress" ? { input: link, output: undefined } : { input: undefined, output: link };
  const untranslated =
    at === "ingress"
      ? { destination: undefined, destinationPort: undefined }
      : { source: undefined, sourcePort: undefined };
  // Connections are tracked later, or were before: a chain of a device need not see them.
  const seen: Packet = { ...packet, ...own, ...(isTranslated ? untranslated : {}), state: undefined };
  return frames
    .filter((hook) => hook.at === at && isOfDevice(hook, link.name))
    .map((hook) => ({ hook, packet: seen, isTranslated }));
}
