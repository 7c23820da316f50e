// The members of a wire: the attachments of its network, as their records and the kernel tell them.
import { type Attachment, sameHost } from "../../../attachment/attachment.ts";
import { keyOfAlias } from "../../../attachment/name.ts";
import { freeEndName, isAtOtherEnd, stateOfFreeEnd } from "../../../attachment/wire.ts";
import { type AttachmentKey, sameKey } from "../../../cni/attachment-key.ts";
import { CniError } from "../../../cni/error.ts";
import { type Device, getDevice, listDevices } from "../../../net/device.ts";
import { getLink, getPeer, type Link } from "../../../net/link.ts";
import type { NetlinkSocket } from "../../../netlink/socket.ts";
import { isEndOf } from "../../link.ts";
import { openRecordedPod } from "../../namespace.ts";
import type { Node } from "../../node.ts";
import type { Pod } from "../../pod.ts";

/** A member of a wire, whose namespace lives. */
export interface Member {
  attachment: Attachment;
  pod: Pod;
  /** Its end of the pair; undefined when that has gone with the other namespace. */
  end: Device | undefined;
  /** Its ADD has ended well, and no DEL has begun. */
  isComplete: boolean;
}

/** The attachments of a wire's network beside the one of the call. */
export interface Others {
  members: Member[];
  /** The attachments whose namespace has gone, or that have neither an end nor a claim to one. */
  gone: AttachmentKey[];
  /** The files of attachments of which nothing else is known. */
  unreadable: string[];
}

/**
 * The others of a network. A member has an end of the pair, or its record names one that it has to get again;
 * an ADD that has not yet come to its end is none. Namespaces stay open until the node is closed. Throws
 * SystemError.
 */
export function othersOf(key: AttachmentKey, node: Node): Others {
  const { records, unreadable } = node.records.listRecords(key.network);
  const others: Others = { members: [], gone: [], unreadable: unreadable.map(({ path }) => path) };
  const host = node.identity();
  for (const attachment of records) {
    if (attachment.link.kind !== "wire" || sameKey(attachment.key, key)) continue;
    if (!sameHost(attachment.host, host)) continue;
    const pod = openRecordedPod(attachment, node);
    const isComplete = node.records.isComplete(attachment.key);
    const end = pod && findEnd(node.keep(pod), attachment);
    if (pod !== undefined && (end !== undefined || isComplete))
      others.members.push({ attachment, pod, end, isComplete });
    else others.gone.push(attachment.key);
  }
  return others;
}

/** The attachment's end of the pair in its pod; undefined when it is not there. Throws SystemError. */
export function findEnd(pod: Pod, { key, link }: Attachment): Device | undefined {
  return findEndOf(pod, key, link.pod.mac);
}

/**
 * As {@link findEnd}, without a record: the alias alone tells where the MAC is not known. A program in the
 * pod may have given the end another name.
 */
export function findEndOf(pod: Pod, key: AttachmentKey, mac: string | undefined): Device | undefined {
  const isOurs = (link: Device): boolean => link.kind === "veth" && isEndOf(link, { key, mac });
  const named = getDevice(pod.links, { name: key.interfaceName });
  return named !== undefined && isOurs(named) ? named : listDevices(pod.links).find(isOurs);
}

/** True when the two links, each in its own namespace, are the ends of one pair. */
export function arePeers(one: Link, other: Link): boolean {
  return one.otherEnd === other.index && other.otherEnd === one.index;
}

/**
 * The free end of the network's wire; undefined when there is none. Throws CniError for a link of that name
 * that is none, and SystemError.
 */
export function findFreeEnd(network: string, node: Node): Link | undefined {
  const name = freeEndName(network);
  const link = getLink(node.links, { name });
  if (link === undefined || isFreeEnd(link)) return link;
  throw new CniError("wire", {
    about: `the name ${name} of the free end of network ${network} belongs to another interface`,
    cause: `it is a ${link.kind === "" ? "plain" : link.kind} interface without the alias of a free end`,
    hint: `Rename that interface ("ip link set ${name} name NEW"), or delete it`,
  });
}

/** True for a link that says that it is a free end. */
export function isFreeEnd({ kind, alias }: Link): boolean {
  return kind === "veth" && stateOfFreeEnd(alias) !== undefined;
}

/** An end of a pair that is to go, and the socket that reaches it. */
export interface GoingEnd {
  end: Link;
  links: NetlinkSocket;
}

/**
 * The other end of a pair that is to go, where a living namespace has it and no record tells whose it is: its
 * pod would lose it. Undefined for a free end, and for the end of a member or of one that has gone.
 */
export function findUnknownEnd({ end, links }: GoingEnd, { members, gone }: Others): Link | undefined {
  const far = getPeer(links, end);
  if (far === undefined || isFreeEnd(far)) return undefined;
  const named = keyOfAlias(far.alias);
  const isKnown =
    members.some(({ end: own }) => own !== undefined && own !== end && arePeers(end, own)) ||
    gone.some((key) => isAtOtherEnd(end.alias, key) || (named !== undefined && sameKey(named, key)));
  return isKnown ? undefined : far;
}

/** True when the free end leads to an attachment that has gone. */
export function leadsNowhere({ alias }: Link, { gone }: Others): boolean {
  return gone.some((key) => isAtOtherEnd(alias, key));
}
