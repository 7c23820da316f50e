// A wire: one veth pair between the two members of a network, and no host in between. The first ADD makes the
// pair and parks its far end on the node; the second takes it. All of it happens under the lock of the wire.
import { freeEndName, stateOfFreeEnd } from "../../../attachment/wire.ts";
import { attempt } from "../../../failure/failure.ts";
import { changeDeviceMessage } from "../../../net/device.ts";
import { getLink, type Link } from "../../../net/link.ts";
import { removeLink } from "../../../net/link-change.ts";
import type { WireStep } from "../../../plan/step.ts";
import { curable, type Difference, inPod, shellWord } from "../../difference.ts";
import type { Applying, Place, StepKind } from "../../kind.ts";
import { present } from "../../link.ts";
import type { Node } from "../../node.ts";
import { checkInterfaceIsFree } from "../veth/veth.ts";
import { underWireLock } from "./lock.ts";
import { makePair } from "./make.ts";
import {
  arePeers,
  findFreeEnd,
  type GoingEnd,
  isFreeEnd,
  leadsNowhere,
  type Member,
  type Others,
  othersOf,
} from "./member.ts";
import { refuseThird, refuseToCut, refuseUnknown } from "./refusal.ts";
import { release } from "./release.ts";
import { isWhole, refuseBusy, renew } from "./renew.ts";

export const wire: StepKind<WireStep> = {
  apply: (step, on) =>
    attempt("link", step.freeEnd, () => underWireLock(step.key.network, on.node, () => join(step, on))),
  remove: (_, on) => ({ release: () => release(on) }),
  verify: verifyWire,
};

/** Refuses an ADD to a wire that has two members. Throws CniError. */
export function checkWireIsFree(key: WireStep["key"], node: Node): void {
  attempt("wire", key.network, () => refuseThird(key, othersOf(key, node)));
}

/**
 * Gives the pod an end: the free one where it leads to the other member, else one of a new pair, whose far
 * end goes to the other member when that has lost its own.
 */
function join(step: WireStep, on: Applying): void {
  const { network } = step.key;
  const free = findFreeEnd(network, on.node);
  const others = othersOf(step.key, on.node);
  refuseThird(step.key, others);
  const [other] = others.members;
  if (free !== undefined && leadsToMember(free, other, others)) return take(free, step, on);
  if (other !== undefined) refuseBusy(other, on.node);
  if (other?.end !== undefined && free === undefined) refuseUnknown(step.key, others);
  const going: GoingEnd[] = [
    ...(free === undefined ? [] : [{ end: free, links: on.node.links }]),
    ...(other?.end === undefined ? [] : [{ end: other.end, links: other.pod.links }]),
  ];
  refuseToCut(step.key, going, others);
  for (const { end, links } of going) removeLink(links, { index: end.index });
  makePair(step, on);
  if (other?.isComplete === true) renew(other, present(findFreeEnd(network, on.node), step.freeEnd), on);
}

/** True when whoever takes the free end is connected to the other member. */
function leadsToMember(free: Link, other: Member | undefined, others: Others): boolean {
  // A survivor whose record was lost is not among the members, and keeps its end.
  if (other === undefined) return !leadsNowhere(free, others);
  return other.end !== undefined && isWhole(other) && arePeers(free, other.end);
}

function take(free: Link, step: WireStep, on: Applying): void {
  const { name, mac } = step.pod;
  // The kernel moves the link also when it refuses the name.
  checkInterfaceIsFree(name, on.pod);
  // The alias stays until the attachment is whole: an end that goes back before that is free as it was.
  const where = { namespaceFd: on.pod.namespace.fd, name, mac, mtu: step.mtu };
  on.node.links.execute([
    changeDeviceMessage(free.index, where, `move ${free.name} into the pod as ${name}`),
  ]);
  on.podIndex = present(getLink(on.pod.links, { name }), name).index;
}

/** The problem with the pod's end, or that it has nobody at the other end any more. */
function verifyWire(
  { key: { network }, ...step }: WireStep,
  { node, pod }: Place,
): Difference | string | undefined {
  const { name, mac, isRaised } = step.pod;
  const end = getLink(pod.links, { name });
  const title = `interface ${name} in the pod`;
  const set = `ip link set dev ${shellWord(name)}`;
  if (end === undefined)
    return `${title} does not exist; when the other namespace of a wire dies it takes the wire with it, and the next ADD of network ${network} makes it again`;
  if (end.kind !== "veth") return `${title} is not a veth`;
  if (isRaised && !end.up) return curable(`${title} is down`, inPod(pod, `${set} up`));
  if (end.mac !== mac)
    return curable(`${title} has the MAC ${end.mac} instead of ${mac}`, inPod(pod, `${set} address ${mac}`));
  if (step.mtu !== undefined && end.mtu > step.mtu)
    return curable(
      `${title} has the MTU ${end.mtu} instead of ${step.mtu}`,
      inPod(pod, `${set} mtu ${step.mtu}`),
    );
  const free = getLink(node.links, { name: freeEndName(network) });
  if (free === undefined || !isFreeEnd(free) || !arePeers(free, end)) return undefined;
  return stateOfFreeEnd(free.alias) === "left"
    ? `${title} has nobody at the other end: the other pod has left network ${network}, and the next ADD of it takes its place`
    : undefined;
}
