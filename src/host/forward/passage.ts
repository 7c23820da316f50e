// The chains that a packet of a pod meets on the node, in order: at the devices by which it comes in, in the
// bridge whose port is one of them, at the hooks of IP, and at the devices by which it leaves.
import type { Family } from "../../ip/address.ts";
import { filterSees } from "../../look/packet-filter.ts";
import { NF_IP_PRI_CONNTRACK, NF_IP_PRI_NAT_DST, NF_IP_PRI_NAT_SRC } from "../../netlink/uapi/nf_tables.ts";
import type { Packet, PacketLink } from "../../nft/packet.ts";
import type { Node } from "../node.ts";
import { listBaseChains } from "./base-chain.ts";
import { type Fate, fateOf } from "./drop.ts";
import { type FrameHook, frameHooksOf, isOfDevice } from "./frame-hook.ts";
import { type FirewallHook, listFirewallHooks, type Stage } from "./hook.ts";

/** The hooks of the node, and the families of which those of IP see packets between ports of a bridge. */
export interface NodeHooks {
  firewall: readonly FirewallHook[];
  frames: readonly FrameHook[];
  filtersBridges: { readonly [Each in Family]: boolean };
}

/** The hooks of the node. Rules are read when a packet comes to them. Throws SystemError. */
export function listNodeHooks(node: Node): NodeHooks {
  const chains = listBaseChains(node);
  return {
    firewall: listFirewallHooks(node, chains),
    frames: frameHooksOf(chains),
    filtersBridges: { 4: filterSees(4), 6: filterSees(6) },
  };
}

/** One side of a packet's way. */
export interface Side {
  /** The interface to or from which the node routes: a bridge, a pod's end, the way out. */
  link: PacketLink | undefined;
  /** The port of a bridge, and the bridge's name. */
  port?: PacketLink | undefined;
  bridge?: string | undefined;
  /** One end of the packet has an address of the node beyond it: that is masqueraded, or has a host port. */
  isTranslated: boolean;
}

/**
 * A packet's way through the node: from port to port of one bridge, with no router between them; forwarded;
 * to the node itself (`input`); or from it (`output`).
 */
export type Route = "bridge" | "forward" | "input" | "output";

/** A packet with its way. */
export interface PacketWay {
  packet: Packet;
  from: Side;
  to: Side;
  route: Route;
}

/** A hook that a packet meets, with the packet as the hook sees it. */
export interface Passage {
  hook: FirewallHook;
  packet: Packet;
  /** One end of the packet has an address of the node there. */
  isTranslated: boolean;
  /** An earlier chain may keep the packet from this one. */
  mayBeMissed: boolean;
}

/** The hooks of IP on each route; those of a bridge's packets where the packet filter sees them. */
const STAGES: { readonly [Each in Route]: readonly Stage[] } = {
  bridge: ["prerouting", "forward", "postrouting"],
  forward: ["prerouting", "forward", "postrouting"],
  input: ["prerouting", "input"],
  output: ["output", "postrouting"],
};

/** The hooks that the packet meets, in order. */
export function passagesOf(way: PacketWay, hooks: NodeHooks): Passage[] {
  const { from, to, route } = way;
  if (route === "bridge")
    return [
      ...atDevice({ way, side: from, link: from.port, stage: "ingress" }, hooks),
      ...atBridge({ way, side: from, stages: ["prerouting", "forward", "postrouting"] }, hooks),
      ...(hooks.filtersBridges[way.packet.family] ? atFirewall(bridgedWay(way), hooks) : []),
      ...atDevice({ way, side: to, link: to.port, stage: "egress" }, hooks),
    ];
  const incoming = [
    ...atDevice({ way, side: from, link: from.port, stage: "ingress" }, hooks),
    ...atBridge({ way, side: from, stages: ["prerouting", "input"] }, hooks),
    ...atDevice({ way, side: from, link: from.link, stage: "ingress" }, hooks),
  ];
  const outgoing = [
    ...atDevice({ way, side: to, link: to.link, stage: "egress" }, hooks),
    ...atBridge({ way, side: to, stages: ["output", "postrouting"] }, hooks),
    ...atDevice({ way, side: to, link: to.port, stage: "egress" }, hooks),
  ];
  return [
    ...(route === "output" ? [] : incoming),
    ...atFirewall(way, hooks),
    ...(route === "input" ? [] : outgoing),
  ];
}

/** What becomes of the packet there. Throws SystemError. */
export function fateAt({ hook, packet, mayBeMissed }: Passage): Fate {
  const { drop, queue, translation } = fateOf(hook, packet);
  if (!mayBeMissed) return { drop, queue, translation };
  return {
    drop: drop && { ...drop, isCertain: false },
    queue: queue && { ...queue, isCertain: false },
    translation: translation && { ...translation, isCertain: false },
  };
}

/** The packet filter sees bridged packets with the bridge as both interfaces (br_netfilter). */
function bridgedWay(way: PacketWay): PacketWay {
  const { link } = way.from;
  return { ...way, packet: { ...way.packet, input: link, output: link } };
}

function atFirewall(way: PacketWay, { firewall }: NodeHooks): Passage[] {
  const { packet, route } = way;
  const met = firewall.filter(
    ({ families, type }) => families.includes(packet.family) && (type !== "nat" || packet.state === "new"),
  );
  return STAGES[route].flatMap((stage) =>
    met
      .filter((hook) => hook.stage === stage)
      .map((hook) => {
        const others = met.filter((other) => other !== hook && other.stage === stage);
        return passageOf(hook, way, others);
      }),
  );
}

/**
 * The packet as a hook of IP sees it. A destination is translated in prerouting and output, a source in
 * postrouting: before and behind those priorities the packet has other addresses. At the same priority nobody
 * can tell. Chains of type nat see it before it is translated, and only the first of them that translates.
 */
function passageOf(
  hook: FirewallHook,
  { packet, from, to, route }: PacketWay,
  others: readonly FirewallHook[],
): Passage {
  const { stage, type, priority } = hook;
  const isFirst = stage === "prerouting" || stage === "output";
  const isLast = stage === "postrouting";
  const isNat = type === "nat";
  const isBehind = isFirst ? priority >= NF_IP_PRI_NAT_DST : priority >= NF_IP_PRI_NAT_SRC;
  const isUntranslated = isFirst && (isNat || priority <= NF_IP_PRI_NAT_DST);
  const hidesDestination = isUntranslated && from.isTranslated;
  const hidesSource = isLast && !isNat && isBehind && to.isTranslated;
  const isTranslating = isFirst ? from.isTranslated : isLast && to.isTranslated;
  const isKnownConnection = !isFirst || isNat || priority > NF_IP_PRI_CONNTRACK;
  const hasNoInput = route === "output" || (route === "bridge" && isLast);
  const seen: Packet = {
    ...packet,
    input: hasNoInput ? undefined : packet.input,
    output: stage === "prerouting" || stage === "input" ? undefined : packet.output,
    ...(hidesDestination ? ofNode(packet) : {}),
    ...(hidesSource ? { source: undefined, sourcePort: undefined } : {}),
    state: isKnownConnection ? packet.state : undefined,
    isTranslated: packet.isTranslated && !(isUntranslated && packet.state === "new"),
  };
  const isBehindOthers = others.some((other) => other.type === "nat" && other.priority <= priority);
  return {
    hook,
    packet: seen,
    isTranslated: hidesDestination || hidesSource,
    mayBeMissed: isNat && (isBehindOthers || (isBehind && isTranslating)),
  };
}

/** The destination of a packet before that is translated: a port of the node. */
function ofNode({ state, nodePort }: Packet): Partial<Packet> {
  const isNew = state === "new" && nodePort !== undefined;
  return {
    destination: undefined,
    destinationPort: isNew ? nodePort : undefined,
    isForNode: isNew || undefined,
  };
}

/** Hooks of family bridge. Frames on their way to or from the node have one port. */
function atBridge(
  { way, side, stages }: { way: PacketWay; side: Side; stages: readonly Stage[] },
  { frames }: NodeHooks,
): Passage[] {
  const { packet, from, to, route } = way;
  if (side.port === undefined || side.bridge === undefined) return [];
  const isOut = side === to;
  const bridge = { name: side.bridge };
  const [input, output] =
    route === "bridge" ? [from.port, to.port] : isOut ? [undefined, side.port] : [side.port];
  return stages.flatMap((stage) => {
    const seen: Packet = {
      ...hidden(packet, side, isOut),
      input: stage === "postrouting" ? undefined : input,
      output: stage === "prerouting" ? undefined : output,
      bridge,
      state: undefined,
    };
    return frames
      .filter((hook) => hook.at === "bridge" && hook.stage === stage)
      .map((hook) => ({ hook, packet: seen, isTranslated: side.isTranslated, mayBeMissed: false }));
  });
}

/** A device at a side of the way. */
interface Device {
  way: PacketWay;
  side: Side;
  link: PacketLink | undefined;
  stage: "ingress" | "egress";
}

function atDevice({ way, side, link, stage }: Device, { frames }: NodeHooks): Passage[] {
  if (link === undefined) return [];
  const isOut = stage === "egress";
  const own = isOut ? { input: undefined, output: link } : { input: link, output: undefined };
  // Connections are tracked later, or were before: a chain of a device need not see them.
  const seen: Packet = { ...hidden(way.packet, side, isOut), ...own, state: undefined };
  return frames
    .filter((hook) => hook.at === "device" && hook.stage === stage && isOfDevice(hook, link.name))
    .map((hook) => ({ hook, packet: seen, isTranslated: side.isTranslated, mayBeMissed: false }));
}

/** The packet without the address that it has not at this side. */
function hidden(packet: Packet, { isTranslated }: Side, isOut: boolean): Packet {
  if (!isTranslated) return packet;
  return isOut ? { ...packet, source: undefined, sourcePort: undefined } : { ...packet, ...ofNode(packet) };
}
