// The MAC spoof check of attachments: put in, take out, compare. The key of each element starts with the name
// of the attachment's host end, which is made of its digest, so nobody else ever owns it.
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { isErrno } from "../sys/errno.ts";
import { countRules, type LostRules } from "./answer.ts";
import {
  addElementMessage,
  deleteElementMessage,
  deleteElements,
  type Element,
  type ElementPlace,
  getElement,
  listElements,
  ownerComment,
  ownerOf,
} from "./element.ts";
import { interfaceKey, MAC_BYTES_JOINED } from "./key.ts";
import { executeBatch, firstRefusal } from "./message.ts";
import {
  GUARDED,
  PREROUTING,
  PREROUTING_RULES,
  preroutingMessages,
  SOURCE,
  SPOOF_TABLE,
  spoofTableMessages,
} from "./spoof-layout.ts";

/** What may come from one attachment: frames with this source address. */
export interface SpoofCheck {
  network: string;
  /** The attachment's digest. */
  owner: string;
  /** For people who list the rules: network, container, interface. */
  label: string;
  hostInterface: string;
  mac: Uint8Array;
}

export interface SpoofCheckNeighbours {
  /** Does the attachment still live, or is its ADD running? */
  isAlive(check: SpoofCheck): boolean;
  /** Runs `action` while no other process changes what the node shares. */
  underNodeLock(action: () => void): void;
  /** All other attachments that have to be checked; asked only when the table was lost. */
  others(): SpoofCheck[];
}

/** How many elements an attachment has. */
export const SPOOF_CHECK_ELEMENTS = 2;

const ATTEMPTS = 6;

/**
 * Makes sure that the attachment's frames are checked, and puts back the table when it was lost. Throws
 * SystemError.
 */
export function ensureSpoofCheck(
  socket: NetlinkSocket,
  wanted: SpoofCheck,
  neighbours: SpoofCheckNeighbours,
): void {
  for (let attempt = 1; ; attempt++) {
    try {
      if (!isSpoofTableWhole(socket)) neighbours.underNodeLock(() => putBack(socket, neighbours));
      putElements(socket, wanted);
      return;
    } catch (error) {
      // ENOENT: somebody deleted the table after our look. EEXIST: an ADD that puts it back has put us in
      // after our look.
      if (attempt === ATTEMPTS || !isErrno(error, "ENOENT", "EEXIST")) throw error;
    }
  }
}

/** False when the table is missing or was emptied. Throws SystemError. */
export function isSpoofTableWhole(socket: NetlinkSocket): boolean {
  return countRules(socket, SPOOF_TABLE).get(PREROUTING) === PREROUTING_RULES;
}

/** How much of what these attachments want is not there. Reads all elements once. Throws SystemError. */
export function countLostSpoofChecks(socket: NetlinkSocket, wanted: readonly SpoofCheck[]): LostRules {
  const isWhole = wanted.length === 0 || isSpoofTableWhole(socket);
  const found = new Map<string, number>();
  for (const element of wanted.length === 0 ? [] : listSpoofElements(socket))
    found.set(ownerOf(element), (found.get(ownerOf(element)) ?? 0) + 1);
  const byOwner = new Map(
    wanted.map(({ owner }) => [owner, Math.max(0, SPOOF_CHECK_ELEMENTS - (found.get(owner) ?? 0))]),
  );
  return { shared: isWhole ? 0 : PREROUTING_RULES, byOwner };
}

/**
 * The rule, by which a whole table is known, comes last: when this is killed half-way the next ADD starts
 * again.
 */
function putBack(socket: NetlinkSocket, neighbours: SpoofCheckNeighbours): void {
  if (isSpoofTableWhole(socket)) return;
  executeBatch(socket, spoofTableMessages());
  for (const other of neighbours.others())
    if (neighbours.isAlive(other)) putBackOther(socket, other, neighbours);
  executeBatch(socket, preroutingMessages());
}

/**
 * Who has an element put it in itself, and knows its MAC better than the record that we have read. Whoever
 * takes an attachment away looks for its elements once more when its veth has gone, so one of the two of us
 * sees the other.
 */
function putBackOther(socket: NetlinkSocket, other: SpoofCheck, neighbours: SpoofCheckNeighbours): void {
  const refusal = firstRefusal(socket, additions(other));
  if (refusal !== undefined && !isErrno(refusal, "EEXIST")) throw refusal;
  if (!neighbours.isAlive(other)) removeSpoofCheck(socket, other);
}

/** Both elements at once. What stands in their place is what a dead attachment of the same name left. */
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
 * The place that permits comes first: what is taken out in this order never lets through what was forbidden.
 */
function places(hostInterface: string, mac: Uint8Array): ElementPlace[] {
  return [
    { table: SPOOF_TABLE, set: SOURCE, key: interfaceKey(hostInterface, mac, MAC_BYTES_JOINED) },
    { table: SPOOF_TABLE, set: GUARDED, key: interfaceKey(hostInterface, new Uint8Array()) },
  ];
}

/** True when frames of the attachment are checked, and its own MAC is let through. Throws SystemError. */
export function isSpoofChecked(socket: NetlinkSocket, { hostInterface, mac }: SpoofCheck): boolean {
  return findSpoofElements(socket, hostInterface, mac).length === SPOOF_CHECK_ELEMENTS;
}

/** Takes out the elements of the attachment. Throws SystemError. */
export function removeSpoofCheck(socket: NetlinkSocket, { hostInterface, mac }: SpoofCheck): void {
  deleteElements(socket, findSpoofElements(socket, hostInterface, mac));
}

/**
 * The elements of the attachment with this host end. Without a MAC all are looked through. Throws
 * SystemError.
 */
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

/** Every element of every attachment on the node. Throws SystemError. */
export function listSpoofElements(socket: NetlinkSocket): Element[] {
  return [SOURCE, GUARDED].flatMap((set) => listElements(socket, SPOOF_TABLE, set));
}
