// The measurements of a trial, each a line or two of what was seen.
import type { Node } from "../host/node.ts";
import { type Address, formatAddress } from "../ip/address.ts";
import { listRoutes } from "../net/route-list.ts";
import { isLocalAddress } from "../net/route-look-up.ts";
import { type Finding, findingOf, skipped } from "./finding.ts";
import type { Member } from "./member.ts";
import { beginConnection, isReached, listen, ping, type Silence } from "./socket.ts";

/** Echoes until an answer counts as missing; neighbours may have to be found first. */
const TRIES = 3;
/** The longest wait for a connection, in milliseconds. */
const CONNECT_MS = 3_000;

/** A pod reaches its gateways. */
export function measureGateways(member: Member, node: Node): Finding[] {
  const { gateways, addresses } = member;
  if (addresses.length === 0) return [skipped("the pods have no addresses, so nothing can be sent by IP")];
  if (gateways.length === 0) return [skipped("the network has no gateway")];
  return gateways.map((to) => {
    const text = `the gateway ${formatAddress(to)} answers`;
    const silence = pingFrom(member, to);
    if (silence === undefined || isLocalAddress(node.links, to)) return findingOf(text, silence);
    return findingOf(text, `${silence}; the node does not have this address, and a router does not either`);
  });
}

/** Each of two pods reaches the other; where the network keeps its pods apart, neither does. */
export function measureEachOther([one, other]: readonly [Member, Member]): Finding[] {
  return one.addresses.flatMap((own) => {
    const theirs = other.addresses.find(({ family }) => family === own.family);
    if (theirs === undefined) return [];
    const texts = [own, theirs].map(formatAddress).join(" and ");
    if (areApart(one)) {
      const isReachable = pingFrom(one, theirs, { tries: 1 }) === undefined;
      return [findingOf(`pods are kept apart: ${texts}`, isReachable ? "they reach each other" : undefined)];
    }
    const silence = pingFrom(one, theirs) ?? pingFrom(other, own);
    return [findingOf(`pods reach each other: ${texts}`, silence)];
  });
}

/** A pod reaches the next router of the node, by each family that it has. */
export function measureOutside(member: Member, node: Node): Finding[] {
  if (member.attachment?.link.kind === "device")
    return [skipped("outside: packets of the pod leave by its device, and not by the node")];
  return member.addresses.map(({ family }) => {
    const way = listRoutes(node.links, family, {}).find(({ dst, gateway }) => dst.length === 0 && gateway);
    const to = way?.gateway;
    if (to === undefined) return skipped(`outside over IPv${family}: the node itself has no default gateway`);
    const router = `the node's gateway ${formatAddress(to)}`;
    const text = `outside over IPv${family}: ${router} answers`;
    const silence = pingFrom(member, to);
    if (silence === undefined) return findingOf(text, undefined);
    if (silence === "there is no route")
      return skipped(`outside over IPv${family}: the pod has no route to ${router}`);
    return ping({ to, tries: 1 }) === undefined
      ? findingOf(text, silence)
      : skipped(`outside over IPv${family}: ${router} answers not even the node, so it tells nothing`);
  });
}

/** Packets as long as the pod's MTU pass undivided, to the gateway and to the other pod. */
export function measureMtu(member: Member, other: Member | undefined): Finding[] {
  const { mtu, gateways } = member;
  const reached = other !== undefined && !areApart(member) ? other.addresses : [];
  return [...gateways, ...reached].map((to) =>
    findingOf(
      `packets of ${mtu} bytes reach ${formatAddress(to)} undivided`,
      pingFrom(member, to, { size: mtu }),
    ),
  );
}

/** A host port and the pod's port that it leads to. */
export interface TriedPort {
  hostPort: number;
  containerPort: number;
}

/**
 * A host port leads to the pod, from the other pod, or from the node where the network keeps its pods apart.
 */
export function measurePort(members: readonly Member[], port: TriedPort, node: Node): Finding[] {
  const [member, other] = members;
  if (member === undefined) return [];
  return member.addresses.map(({ family }) => {
    const to = member.gateways.find(
      (gateway) => gateway.family === family && isLocalAddress(node.links, gateway),
    );
    const text = `host port ${port.hostPort} leads to port ${port.containerPort} of the pod over IPv${family}`;
    if (to === undefined)
      return skipped(`host port over IPv${family}: the node has no address in the network to try it by`);
    const from = other === undefined || areApart(member) ? undefined : other;
    using listener = member.pod.inside(() => listen(family, port.containerPort));
    const begin = () => beginConnection(to, port.hostPort);
    using _connection = from === undefined ? begin() : from.pod.inside(begin);
    return findingOf(text, isReached(listener, CONNECT_MS) ? undefined : "no connection arrives");
  });
}

/** True for pods of a network that keeps its pods from each other. */
function areApart({ attachment }: Member): boolean {
  if (attachment === undefined) return false;
  const { link, ingressPolicy } = attachment;
  return ingressPolicy === "isolated" || (link.kind === "bridgePort" && link.isolated);
}

function pingFrom({ pod }: Member, to: Address, echo: { size?: number; tries?: number } = {}): Silence {
  return pod.inside(() => ping({ to, tries: TRIES, ...echo }));
}
