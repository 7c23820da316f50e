// A member that leaves its wire: its end is parked for the next one, and with the last member the pair goes.
import type { Attachment } from "../../../attachment/attachment.ts";
import { freeEndAlias, freeEndName, isAtOtherEnd, stateOfFreeEnd } from "../../../attachment/wire.ts";
import type { AttachmentKey } from "../../../cni/attachment-key.ts";
import { CniError } from "../../../cni/error.ts";
import { attempt } from "../../../failure/failure.ts";
import { takeAltNameMessage } from "../../../net/alt-name.ts";
import { changeDeviceMessage, type Device, VETH_QUEUE_LENGTH } from "../../../net/device.ts";
import { getLink, getPeer, type Link } from "../../../net/link.ts";
import { removeLink } from "../../../net/link-change.ts";
import { isErrno } from "../../../sys/errno.ts";
import type { Removing } from "../../kind.ts";
import { openRecordedPod } from "../../namespace.ts";
import type { Node } from "../../node.ts";
import type { Pod } from "../../pod.ts";
import { underWireLock } from "./lock.ts";
import { arePeers, findEndOf, findFreeEnd, isFreeEnd, othersOf } from "./member.ts";

/** An attachment that leaves, and where its end may be. */
interface Leaving {
  key: AttachmentKey;
  /** Undefined where no record tells it. */
  mac: string | undefined;
  pod: Pod | undefined;
}

/** Takes a recorded attachment off its wire. A second call changes nothing. Throws CniError. */
export function release({ attachment, pod, node }: Removing): void {
  const { key, link } = attachment;
  attempt("cleanup", freeEndName(key.network), () =>
    underWireLock(key.network, node, () => {
      // From here on no ADD of the network gives it an end again.
      node.records.markLeaving(key);
      using opened = pod === undefined ? openRecordedPod(attachment, node) : undefined;
      leave({ key, mac: link.pod.mac, pod: pod ?? opened }, node);
    }),
  );
}

/**
 * Takes an attachment without a record off its wire, should it be on one: the alias of its end or that of the
 * free end names it. Throws CniError.
 */
export function releaseUnrecorded(key: AttachmentKey, pod: Pod | undefined, node: Node): void {
  const leaving = { key, mac: undefined, pod };
  attempt("cleanup", freeEndName(key.network), () => {
    const end = pod && findEndOf(pod, key, undefined);
    const free = getLink(node.links, { name: freeEndName(key.network) });
    if (end === undefined && (free === undefined || !isFreeEnd(free))) return;
    underWireLock(key.network, node, () => leave(leaving, node));
  });
}

/**
 * Parks the end of the attachment, or removes the pair when its other end is parked already. An attachment
 * whose end is not there leaves nothing but a free end that names it. Throws CniError where the free end is
 * another pair's, and somebody else has the other end of this one.
 */
function leave({ key, mac, pod }: Leaving, node: Node): void {
  const end = pod && findEndOf(pod, key, mac);
  if (pod === undefined || end === undefined) {
    const free = getLink(node.links, { name: freeEndName(key.network) });
    if (free !== undefined && isAtOtherEnd(free.alias, key)) removeLink(node.links, { index: free.index });
    return;
  }
  const free = findFreeEnd(key.network, node);
  if (free === undefined) return park({ end, pod, key }, node);
  if (!arePeers(free, end) && getPeer(pod.links, end) !== undefined) throw nameOfAnother(key.network, free);
  removeLink(pod.links, { index: end.index });
}

function nameOfAnother(network: string, { name, alias }: Link): CniError {
  return new CniError("cleanup", {
    about: `the end of the wire of network ${network} cannot be parked, and the other pod needs it`,
    cause: `${name} is the free end of another pair, with the alias ${JSON.stringify(alias)}`,
    hint: "Send a DEL for the container that the alias names, then repeat this one",
  });
}

/** What the next pod finds: nothing of the settings of the one that leaves. */
const AS_MADE = {
  txQueueLength: VETH_QUEUE_LENGTH,
  group: 0,
  flags: { up: false, promiscuous: false, allMulticast: false, arp: true, multicast: true },
};

/** An end to be parked. */
interface Parking {
  end: Device;
  pod: Pod;
  key: AttachmentKey;
}

/**
 * Parks an end, without the alternative names that the pod gave it. An ADD that took the end and has not come
 * to its own end has left it the alias that it had when it was free: then it is free for the same reason.
 */
function park({ end, pod, key }: Parking, node: Node): void {
  const { index, altNames } = end;
  const other = othersOf(key, node).members.find((member) => member.end !== undefined);
  const name = freeEndName(key.network);
  const alias = freeEndAlias(stateOfFreeEnd(end.alias) ?? "left", key.network, other?.attachment.key);
  const parked = { namespaceFd: node.home.fd, name, alias, ...AS_MADE };
  const outcomes = pod.links.transact([
    ...altNames.map((each) => takeAltNameMessage(index, each)),
    changeDeviceMessage(index, parked, `park ${end.name} as ${name}`),
  ]);
  const moved = outcomes.at(-1);
  // The namespace at the other end may die at this moment, and takes the pair with it.
  if (moved?.error !== undefined && !isErrno(moved.error, "ENODEV")) throw moved.error;
}

/** The members of a network that stay, for {@link removeStrayFreeEnd}. */
export interface Staying {
  network: string;
  /** True for an attachment that stays. */
  isValid(key: AttachmentKey): boolean;
  /** The attachments that the runtime knows. */
  valid: readonly AttachmentKey[];
}

/**
 * Removes the free end of a network that no attachment needs: no recorded one that stays, and none of those
 * that the runtime knows is at the other end. Throws CniError.
 */
export function removeStrayFreeEnd({ network, isValid, valid }: Staying, node: Node): void {
  const name = freeEndName(network);
  const isThere = (link: Link | undefined): link is Link => link !== undefined && isFreeEnd(link);
  attempt("cleanup", name, () => {
    if (!isThere(getLink(node.links, { name }))) return;
    underWireLock(network, node, () => {
      const free = getLink(node.links, { name });
      const isNeeded = ({ key, link }: Attachment): boolean => link.kind === "wire" && isValid(key);
      if (!isThere(free) || valid.some((key) => isAtOtherEnd(free.alias, key))) return;
      // The end may lead to a valid attachment whose record cannot be read.
      if (valid.some((key) => node.records.getRecord(key) === undefined)) return;
      if (!node.records.hasRecordLike(network, isNeeded)) removeLink(node.links, { index: free.index });
    });
  });
}
