// The limits of what a pod sends and receives: token buckets. What goes to the pod waits at the host's end of
// its veth. What comes from it is led through a device of the host's (an ifb) and waits there, where the pod
// has no say; or it waits at the pod's own end.

import { getLink, getLinkMessage, type Link, readLink } from "../../net/link.ts";
import { changeLinkMessage, removeLink } from "../../net/link-change.ts";
import { createIfbMessage } from "../../net/link-set.ts";
import {
  getBucket,
  ingressMessage,
  listRedirects,
  redirectMessage,
  shapeMessage,
} from "../../net/traffic-control.ts";
import type { Message, NetlinkSocket } from "../../netlink/socket.ts";
import type { BandwidthStep, IfbDevice, TokenBucket } from "../../plan/step.ts";
import { isErrno, type SystemError } from "../../sys/errno.ts";
import { attempt, vanished } from "../failure.ts";
import type { Machine } from "../machine.ts";

/**
 * Limits the pod's traffic; the pod's end has the number `podIndex` there, which is needed for what is
 * limited there. An ifb of that name is what a dead attachment left.
 */
export function limitBandwidth(step: BandwidthStep, machine: Machine, podIndex?: number): void {
  const { ingress, egress, ifb } = step;
  try {
    attempt(
      "bandwidth",
      step.interfaceName,
      () => {
        const messages: Message[] = [];
        const port = mustLink(step.hostInterface, machine);
        if (ingress !== undefined) messages.push(shapeMessage(port.index, ingress));
        if (egress !== undefined && ifb !== undefined)
          messages.push(...throughIfb(port.index, createIfb(ifb, machine), egress, ifb));
        if (messages.length > 0) machine.links.execute(messages);
        if (egress !== undefined && ifb === undefined && podIndex !== undefined)
          machine.pod.links.execute([shapeMessage(podIndex, egress)]);
      },
      bandwidthHint,
    );
  } catch (error) {
    undoBandwidth(step, machine);
    throw error;
  }
}

/** Undo: the ifb goes; the rest goes with the veth. */
export function undoBandwidth({ ifb }: BandwidthStep, machine: Machine): void {
  if (ifb !== undefined) removeLink(machine.links, ifb);
}

/** What is wrong with the limits, or undefined. */
export function verifyBandwidth(
  { hostInterface, interfaceName, ingress, egress, ifb }: BandwidthStep,
  machine: Machine,
): string | undefined {
  const port = getLink(machine.links, { name: hostInterface });
  if (port === undefined) return undefined;
  const toPod =
    ingress && shapingProblem(machine.links, port.index, ingress, `what ${interfaceName} receives`);
  if (toPod !== undefined || egress === undefined) return toPod;
  const subject = `what ${interfaceName} sends`;
  if (ifb === undefined) {
    const end = getLink(machine.pod.links, { name: interfaceName });
    return end && shapingProblem(machine.pod.links, end.index, egress, subject);
  }
  const device = getLink(machine.links, { name: ifb.name });
  if (device === undefined) return `the ifb ${ifb.name}, which limits ${subject}, does not exist`;
  if (!device.up) return `the ifb ${ifb.name}, which limits ${subject}, is down`;
  if (!listRedirects(machine.links, port.index).includes(device.index))
    return `${subject} is not led through the ifb ${ifb.name}`;
  return shapingProblem(machine.links, device.index, egress, subject);
}

/** Makes the device, with the name that people and GC know it by, and gives its number. */
function createIfb(ifb: IfbDevice, machine: Machine): number {
  const send = () =>
    machine.links.transact([
      createIfbMessage(ifb),
      changeLinkMessage({ name: ifb.name }, { alias: ifb.alias }, `name ${ifb.name}`),
      getLinkMessage({ name: ifb.name }),
    ]);
  let [created, named, got] = send();
  if (isErrno(created?.error, "EEXIST")) {
    removeLink(machine.links, ifb);
    [created, named, got] = send();
  }
  const refusal = created?.error ?? named?.error ?? got?.error;
  const reply = got?.replies[0];
  if (refusal !== undefined) throw refusal;
  if (reply === undefined) throw vanished(ifb.name);
  // Without IPv6 there is no such setting, and no address either.
  machine.links.transact([
    changeLinkMessage(
      { name: ifb.name },
      { addressGeneration: "none" },
      `keep ${ifb.name} without addresses`,
    ),
  ]);
  return readLink(reply).index;
}

/** The device first: a packet that is led to one that is down is lost. */
function throughIfb(port: number, device: number, egress: TokenBucket, { name }: IfbDevice): Message[] {
  return [
    shapeMessage(device, egress),
    changeLinkMessage({ index: device }, { up: true }, `raise ${name}`),
    ingressMessage(port),
    redirectMessage(port, device),
  ];
}

function shapingProblem(
  socket: NetlinkSocket,
  index: number,
  wanted: TokenBucket,
  subject: string,
): string | undefined {
  const found = getBucket(socket, index);
  if (found === undefined) return `${subject} is not limited`;
  if (found.rate !== wanted.rate)
    return `${subject} is limited to ${found.rate * 8} bit/s instead of ${wanted.rate * 8}`;
  return found.limit === wanted.limit
    ? undefined
    : `${subject} waits in a queue of ${found.limit} bytes instead of ${wanted.limit}`;
}

function mustLink(name: string, machine: Machine): Link {
  const link = getLink(machine.links, { name });
  if (link === undefined) throw vanished(name);
  return link;
}

/** EOPNOTSUPP: no ifb; ENOENT: no such qdisc, classifier or action. */
function bandwidthHint(error: SystemError): string | undefined {
  if (!isErrno(error, "EOPNOTSUPP", "ENOENT")) return undefined;
  return 'Load the kernel modules sch_tbf, ifb, sch_ingress, cls_u32 and act_mirred (the last four are not needed with "egressInPod": true), or take the limits out';
}
