// The limits of bandwidth of a pod: token buckets. Packets to the pod wait at the host's end of its veth.
// Packets from the pod are redirected to a device of the host's (an ifb) and wait there, out of the pod's
// reach; or they wait at the pod's own end.

import { randomMac } from "../../../attachment/mac.ts";
import { attachmentDigest } from "../../../attachment/name.ts";
import { attempt } from "../../../failure/failure.ts";
import { getLink, getLinkMessage, Link } from "../../../net/link.ts";
import { changeLinkMessage, removeLink } from "../../../net/link-change.ts";
import { createIfbMessage } from "../../../net/link-set.ts";
import {
  deleteIngressMessage,
  getBucket,
  ingressMessage,
  listRedirects,
  redirectMessage,
  shapeMessage,
} from "../../../net/traffic-control.ts";
import type { Message, NetlinkSocket } from "../../../netlink/socket.ts";
import type { LostRules } from "../../../nft/answer.ts";
import type { BandwidthStep, IfbDevice, TokenBucket } from "../../../plan/step.ts";
import { isErrno, type SystemError } from "../../../sys/errno.ts";
import { type Difference, incurable } from "../../difference.ts";
import type { Applying, Place, StepKind } from "../../kind.ts";
import { present, requireLink } from "../../link.ts";
import type { Node } from "../../node.ts";

/** The limits as a kind of steps. The ifb is removed; the token buckets go with the veth. */
export const bandwidth: StepKind<BandwidthStep> = {
  apply: limitBandwidth,
  remove: ({ ifb }) => (ifb === undefined ? {} : { links: [ifb.name] }),
  verify: verifyBandwidth,
  restoration: { countLost: countLostLimits, putBack: putBackLimits },
};

function limitBandwidth(step: BandwidthStep, { node, pod, podIndex }: Applying): void {
  const limit = (): void => {
    limitOnNode(step, node);
    const { egress, ifb } = step;
    if (egress !== undefined && ifb === undefined) pod.links.execute([shapeMessage(podIndex, egress)]);
  };
  attempt("bandwidth", step.interfaceName, limit, bandwidthHint);
}

/**
 * Makes the limits that are on the node, and the ifb. An ifb of that name is of a dead attachment, or of an
 * attachment whose limits come back, and is replaced.
 */
function limitOnNode({ hostInterface, ingress, egress, ifb }: BandwidthStep, node: Node): void {
  const port = requireLink(node.links, { name: hostInterface }, hostInterface);
  const messages: Message[] = [];
  if (ingress !== undefined) messages.push(shapeMessage(port.index, ingress));
  if (egress !== undefined && ifb !== undefined)
    messages.push(...throughIfb(port.index, createIfb(ifb, node), egress));
  if (messages.length > 0) node.links.execute(messages);
}

/** The problem with the limits as a sentence; undefined when there is none. */
function verifyBandwidth(step: BandwidthStep, { node, pod }: Place): Difference | string | undefined {
  const onNode = nodeProblem(step, node);
  const { interfaceName, egress, ifb } = step;
  if (onNode !== undefined || egress === undefined || ifb !== undefined) return onNode;
  const end = getLink(pod.links, { name: interfaceName });
  const subject = `what ${interfaceName} sends`;
  const problem = end && shapingProblem({ links: pod.links, index: end.index, subject }, egress);
  return problem === undefined ? undefined : incurable(problem);
}

/** The problem with the limits on the node as a sentence; undefined when there is none. */
function nodeProblem(step: BandwidthStep, { links }: Node): string | undefined {
  const { hostInterface, interfaceName, ingress, egress, ifb } = step;
  const port = getLink(links, { name: hostInterface });
  if (port === undefined) return undefined;
  const received = { links, index: port.index, subject: `what ${interfaceName} receives` };
  const toPod = ingress && shapingProblem(received, ingress);
  if (toPod !== undefined || egress === undefined || ifb === undefined) return toPod;
  const subject = `what ${interfaceName} sends`;
  const device = getLink(links, { name: ifb.name });
  if (device === undefined) return `the ifb ${ifb.name}, which limits ${subject}, does not exist`;
  if (!device.up) return `the ifb ${ifb.name}, which limits ${subject}, is down`;
  if (!listRedirects(links, port.index).includes(device.index))
    return `${subject} is not led through the ifb ${ifb.name}`;
  return shapingProblem({ links, index: device.index, subject }, egress);
}

/** The number of attachments with limits on the node that are not as they were made; each counts once. */
function countLostLimits(steps: readonly BandwidthStep[], node: Node): LostRules {
  const lost = steps.filter((step) => nodeProblem(step, node) !== undefined);
  return { shared: 0, byOwner: new Map(lost.map(({ key }) => [attachmentDigest(key), 1])) };
}

/** Makes the limits on the node anew. Limits inside a pod are left alone. */
function putBackLimits(step: BandwidthStep, node: Node): void {
  const port = getLink(node.links, { name: step.hostInterface });
  if (port === undefined) return;
  if (step.ifb !== undefined) {
    // A filter of another program would stay in front of Pontoon's.
    const [outcome] = node.links.transact([deleteIngressMessage(port.index)]);
    if (outcome?.error !== undefined && !isErrno(outcome.error, "ENOENT", "EINVAL")) throw outcome.error;
  }
  attempt("bandwidth", step.interfaceName, () => limitOnNode(step, node), bandwidthHint);
}

/** Makes the device with an alias, by which people and GC know it, and gives its link. */
function createIfb(ifb: IfbDevice, node: Node): Link {
  const send = () =>
    node.links.transact([
      createIfbMessage({ ...ifb, mac: ifb.mac ?? randomMac() }),
      changeLinkMessage({ name: ifb.name }, { alias: ifb.alias }, `name ${ifb.name}`),
      getLinkMessage({ name: ifb.name }),
    ]);
  let [created, named, got] = send();
  if (isErrno(created?.error, "EEXIST")) {
    removeLink(node.links, ifb);
    [created, named, got] = send();
  }
  const refusal = created?.error ?? named?.error ?? got?.error;
  if (refusal !== undefined) throw refusal;
  const reply = present(got?.replies[0], ifb.name);
  // A link without IPv6 has no such setting, and gets no address.
  node.links.transact([
    changeLinkMessage(
      { name: ifb.name },
      { addressGeneration: "none" },
      `keep ${ifb.name} without addresses`,
    ),
  ]);
  return new Link(reply);
}

/**
 * The requests that lead packets through the ifb. The ifb comes up first: a packet to a device that is down
 * is lost.
 */
function throughIfb(port: number, { index, name }: Link, egress: TokenBucket): Message[] {
  return [
    shapeMessage(index, egress),
    changeLinkMessage({ index }, { up: true }, `raise ${name}`),
    ingressMessage(port),
    redirectMessage(port, index),
  ];
}

/** A link that holds packets back. */
interface ShapedLink {
  links: NetlinkSocket;
  index: number;
  /** What it holds back, as the beginning of a sentence. */
  subject: string;
}

function shapingProblem({ links, index, subject }: ShapedLink, wanted: TokenBucket): string | undefined {
  const found = getBucket(links, index);
  if (found === undefined) return `${subject} is not limited`;
  if (found.rate !== wanted.rate)
    return `${subject} is limited to ${found.rate * 8} bit/s instead of ${wanted.rate * 8}`;
  return found.limit === wanted.limit
    ? undefined
    : `${subject} waits in a queue of ${found.limit} bytes instead of ${wanted.limit}`;
}

/** EOPNOTSUPP: no ifb; ENOENT: no such qdisc, classifier or action. */
function bandwidthHint(error: SystemError): string | undefined {
  if (!isErrno(error, "EOPNOTSUPP", "ENOENT")) return undefined;
  return 'Load the kernel modules sch_tbf, ifb, sch_ingress, cls_u32 and act_mirred (the last four are not needed with "egressInPod": true), or take the limits out';
}
