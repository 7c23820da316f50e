// The MAC spoof check of attachments: put in, take out, compare. The key of each element starts with the name
// of the attachment's host end. That name is made of the digest, so no other attachment ever owns the
// element. Every function throws SystemError.
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { isErrno } from "../sys/errno.ts";
import { executeBatch, firstRefusal } from "./batch.ts";
import { ownerComment } from "./comment.ts";
import {
  addElementMessage,
  deleteElementMessage,
  deleteElements,
  type Element,
  type ElementPlace,
  getElement,
  listElements,
} from "./element.ts";
import { interfaceKey, MAC_BYTES_JOINED } from "./key.ts";
import { ensureElements, type NodeAttachments, type OwnedTable } from "./owned-table.ts";
import { isTableAsMade } from "./read-back.ts";
import { GUARDED, SOURCE, SPOOF_LAYOUT, SPOOF_TABLE } from "./spoof-layout.ts";

/** The check of an attachment: its frames may have this source MAC and no other. */
export interface SpoofCheck {
  network: string;
  /** The attachment's digest. */
  owner: string;
  /** The attachment in words, for people who list the rules: network, container, interface. */
  label: string;
  hostInterface: string;
  mac: Uint8Array;
}

/** The facts about the node that the check needs. */
export interface SpoofCheckNode extends NodeAttachments<SpoofCheck> {
  /** True while the ADD of this attachment is running. */
  isAddRunning(check: SpoofCheck): boolean;
}

/** The number of elements of an attachment. */
export const SPOOF_CHECK_ELEMENTS = 2;

/** The table that checks source MAC addresses. */
export const SPOOF_CHECK: OwnedTable<SpoofCheck, SpoofCheckNode> = {
  layoutFor: () => SPOOF_LAYOUT,
  chainsFor: () => [],
  listElements: listSpoofElements,
  countMissing: ({ owner }, elements) => SPOOF_CHECK_ELEMENTS - (elements.get(owner) ?? []).length,
  claim: (wanted, { socket }) => putElements(socket, wanted),
  claimFor: (other, { socket }) => putElementsFor(socket, other),
  release: removeSpoofCheck,
  // An ADD that is running may not have made its veth yet, and the veth must never be there without its
  // check.
  isComing: (check, node) => node.isAddRunning(check),
  // ENOENT: another program deleted the table. EEXIST: another ADD put the table back, with this attachment's
  // elements.
  changedSinceLook: ["ENOENT", "EEXIST"],
};

/** Makes sure that the attachment's frames are checked, and puts back the table when it was lost. */
export function ensureSpoofCheck(socket: NetlinkSocket, wanted: SpoofCheck, node: SpoofCheckNode): void {
  ensureElements(SPOOF_CHECK, wanted, { socket, node });
}

/** False when the table is missing or was altered. For CHECK. */
export function isSpoofTableWhole(socket: NetlinkSocket): boolean {
  return isTableAsMade(socket, SPOOF_LAYOUT);
}

/**
 * Puts in the elements of another attachment as its record tells. Existing elements stay: the attachment's
 * own ADD has put them in, and knows the MAC better than a record that was read earlier.
 */
function putElementsFor(socket: NetlinkSocket, other: SpoofCheck): void {
  const refusal = firstRefusal(socket, additions(other));
  if (refusal !== undefined && !isErrno(refusal, "EEXIST")) throw refusal;
}

/** Puts in both elements at once, in the place of elements of a dead attachment of that key. */
function putElements(socket: NetlinkSocket, wanted: SpoofCheck): void {
  const add = additions(wanted);
  const refusal = firstRefusal(socket, add);
  if (refusal === undefined) return;
  if (!isErrno(refusal, "EEXIST")) throw refusal;
  const old = findSpoofElements(socket, wanted.hostInterface, undefined);
  if (old.length === SPOOF_CHECK_ELEMENTS && isSpoofChecked(socket, wanted)) return;
  executeBatch(socket, [...old.map(deleteElementMessage), ...add]);
}

function additions(check: SpoofCheck): Message[] {
  const comment = ownerComment(check);
  return places(check.hostInterface, check.mac).map((place) =>
    addElementMessage({ ...place, chain: "", comment }),
  );
}

/**
 * The places of an attachment's elements. The element that permits comes first: elements are removed in this
 * order, so no forbidden frame gets through meanwhile.
 */
function places(hostInterface: string, mac: Uint8Array): ElementPlace[] {
  return [
    { table: SPOOF_TABLE, set: SOURCE, key: interfaceKey(hostInterface, mac, MAC_BYTES_JOINED) },
    { table: SPOOF_TABLE, set: GUARDED, key: interfaceKey(hostInterface, new Uint8Array()) },
  ];
}

/** True when frames of the attachment are checked, and its own MAC is let through. */
export function isSpoofChecked(socket: NetlinkSocket, { hostInterface, mac }: SpoofCheck): boolean {
  return findSpoofElements(socket, hostInterface, mac).length === SPOOF_CHECK_ELEMENTS;
}

/** True when frames of the attachment pass with its own MAC and with no other. Reads the whole sets. */
export function isOwnMacAlone(socket: NetlinkSocket, check: SpoofCheck): boolean {
  const all = findSpoofElements(socket, check.hostInterface, undefined);
  return all.length === SPOOF_CHECK_ELEMENTS && isSpoofChecked(socket, check);
}

/** Removes the elements of the attachment. */
export function removeSpoofCheck(socket: NetlinkSocket, { hostInterface, mac }: SpoofCheck): void {
  deleteElements(socket, findSpoofElements(socket, hostInterface, mac));
}

/** The elements of the attachment with this host end. Without a MAC the whole sets are searched. */
export function findSpoofElements(
  socket: NetlinkSocket,
  hostInterface: string,
  mac: Uint8Array | undefined,
): Element[] {
  if (mac !== undefined)
    return places(hostInterface, mac).flatMap((place) => getElement(socket, place) ?? []);
  const name = interfaceKey(hostInterface, new Uint8Array());
  return listSpoofElements(socket).filter(({ key }) => name.every((byte, at) => key[at] === byte));
}

/** Every element of every attachment on the node. */
export function listSpoofElements(socket: NetlinkSocket): Element[] {
  return [SOURCE, GUARDED].flatMap((set) => listElements(socket, SPOOF_TABLE, set));
}
