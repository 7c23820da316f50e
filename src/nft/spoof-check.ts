// The source checks of attachments: put in, take out, compare. The key of each element starts with the name
// of the attachment's host end. That name is made of the digest, so no other attachment ever owns the
// element. Every function throws SystemError.
import { type Address, addressBytes, sameAddress } from "../ip/address.ts";
import { linkLocalOf } from "../ip/link-local.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { isErrno } from "../sys/errno.ts";
import type { LostRules } from "./answer.ts";
import { executeBatch, firstRefusal } from "./batch.ts";
import { ownerComment } from "./comment.ts";
import {
  addElementMessage,
  deleteElementMessage,
  deleteElements,
  type Element,
  type ElementPlace,
  getElements,
  listElementsOfTable,
} from "./element.ts";
import { interfaceKey, MAC_BYTES_JOINED } from "./key.ts";
import {
  countLost,
  ensureElements,
  isSharedLost,
  type NodeAttachments,
  type OwnedTable,
} from "./owned-table.ts";
import { isTableAsMade } from "./read-back.ts";
import { recall } from "./recall.ts";
import {
  ADDRESSED,
  ARP_CHECK,
  BRIDGE_CHECK,
  DHCP,
  GUARDED,
  NODE_CHECK,
  SOURCE,
  SOURCE4,
  SOURCE6,
  type SpoofTable,
  TARGET6,
} from "./spoof-layout.ts";

/**
 * The check of an attachment: its frames may have this source MAC and no other, and where `addresses` are
 * named, its packets may come from these and the link-local address of the MAC.
 */
export interface SpoofCheck {
  /** The table that has its elements. */
  table: SpoofTable;
  network: string;
  /** The attachment's digest. */
  owner: string;
  /** The attachment in words, for people who list the rules: network, container, interface. */
  label: string;
  hostInterface: string;
  mac: Uint8Array;
  addresses: { own: readonly Address[]; asksDhcp: boolean } | undefined;
}

/** The facts about the node that the check needs. */
export interface SpoofCheckNode extends NodeAttachments<SpoofCheck> {
  /** True while the ADD of this attachment is running. */
  isAddRunning(check: SpoofCheck): boolean;
  /** True for an ADD that has put in the check before, and knows the addresses by now. */
  isAddressed?: boolean;
}

/** A table as the protocol of lost tables sees it. */
const ownedTable = (table: SpoofTable): OwnedTable<SpoofCheck, SpoofCheckNode> => ({
  layoutFor: () => table.layout,
  chainsFor: () => [],
  listElements: (socket) => listElementsIn(socket, table),
  countMissing: (elements) => (check) => spoofPlaces(check).length - (elements.get(check.owner) ?? []).length,
  claim: (wanted, { socket, node }) =>
    node.isAddressed === true ? addAddresses(socket, wanted) : putElements(socket, wanted),
  claimFor: (other, { socket }) => putElementsFor(socket, other),
  release: removeSpoofCheck,
  // An ADD that is running may not have made its veth yet, and the veth must never be there without its
  // check.
  isComing: (check, node) => node.isAddRunning(check),
  // ENOENT: another program deleted the table. EEXIST: another ADD put the table back, with this attachment's
  // elements.
  changedSinceLook: ["ENOENT", "EEXIST"],
});

/**
 * Makes sure that the attachment's frames are checked, and puts back the table when it was lost. `node` knows
 * the other attachments of that table.
 */
export function ensureSpoofCheck(socket: NetlinkSocket, wanted: SpoofCheck, node: SpoofCheckNode): void {
  ensureElements(ownedTable(wanted.table), wanted, { socket, node });
}

/** The lost rules and elements of these attachments, all of one table. */
export function countLostChecks(
  socket: NetlinkSocket,
  table: SpoofTable,
  checks: readonly SpoofCheck[],
): LostRules {
  return countLost(ownedTable(table), checks, socket);
}

/** True when rules of the check's table are missing. */
export function isCheckLost(socket: NetlinkSocket, check: SpoofCheck): boolean {
  return isSharedLost(ownedTable(check.table), check, socket);
}

/**
 * False when the table is missing or was altered. For CHECK. Earlier releases did not check addresses, so a
 * table of theirs is not whole for an attachment whose addresses are checked.
 */
export function isSpoofTableWhole(socket: NetlinkSocket, { table, addresses }: SpoofCheck): boolean {
  const { layout } = table;
  return isTableAsMade(socket, addresses === undefined ? layout : { ...layout, earlier: [] });
}

/**
 * Puts in the elements of another attachment as its record tells. Existing elements stay: the attachment's
 * own ADD has put them in, and knows the MAC better than a record that was read earlier.
 */
function putElementsFor(socket: NetlinkSocket, other: SpoofCheck): void {
  const refusal = firstRefusal(socket, additions(other));
  if (refusal !== undefined && !isErrno(refusal, "EEXIST")) throw refusal;
}

/** Puts in all elements at once, in the place of elements of a dead attachment of that key. */
function putElements(socket: NetlinkSocket, wanted: SpoofCheck): void {
  const add = additions(wanted);
  const refusal = firstRefusal(socket, add);
  if (refusal === undefined) return;
  if (!isErrno(refusal, "EEXIST")) throw refusal;
  const old = listElementsOf(socket, wanted);
  if (old.length === add.length && isSpoofChecked(socket, wanted)) return;
  executeBatch(socket, [...old.map(deleteElementMessage), ...add]);
}

/** Puts in the elements that were not to be had before, beside those that this ADD has put in. */
function addAddresses(socket: NetlinkSocket, wanted: SpoofCheck): void {
  const found = new Set(findSpoofElements(socket, wanted).map(nameOf));
  const comment = ownerComment(wanted);
  const missing = spoofPlaces(wanted).filter((place) => !found.has(nameOf(place)));
  if (missing.length > 0)
    executeBatch(
      socket,
      missing.map((place) => addition(place, comment)),
    );
}

function nameOf({ set, key }: ElementPlace): string {
  return `${set} ${key.join()}`;
}

function additions(check: SpoofCheck): Message[] {
  const comment = ownerComment(check);
  return spoofPlaces(check).map((place) => addition(place, comment));
}

function addition(place: ElementPlace, comment: string): Message {
  return addElementMessage({ ...place, chain: "", comment });
}

/**
 * The places of an attachment's elements. They go in one batch, so no forbidden frame gets through meanwhile.
 */
export function spoofPlaces(check: SpoofCheck): ElementPlace[] {
  const { hostInterface, mac, addresses, table } = check;
  const place = (set: string, rest: Uint8Array = NOTHING, length = rest.length): ElementPlace => ({
    table: table.layout.table,
    set,
    key: interfaceKey(hostInterface, rest, length),
  });
  const ofTable = (all: ElementPlace[]) => all.filter(({ set }) => table.sets.includes(set));
  const found = [place(SOURCE, mac, MAC_BYTES_JOINED), place(GUARDED)];
  if (addresses === undefined) return ofTable(found);
  found.push(place(ADDRESSED));
  if (addresses.asksDhcp) found.push(place(DHCP));
  for (const address of sources(addresses.own, mac)) {
    const bytes = addressBytes(address);
    if (address.family === 4) found.push(place(SOURCE4, bytes));
    else found.push(place(SOURCE6, bytes), place(TARGET6, bytes));
  }
  return ofTable(found);
}

const NOTHING = new Uint8Array();

/** The addresses that a pod may send from, each once: IPAM may give one twice, and the link-local one too. */
function sources(own: readonly Address[], mac: Uint8Array): Address[] {
  const all = [...own, linkLocalOf(mac)];
  return all.filter((address, at) => all.findIndex((other) => sameAddress(other, address)) === at);
}

/** True when all elements of the attachment are there, which let through what is its own. */
export function isSpoofChecked(socket: NetlinkSocket, check: SpoofCheck): boolean {
  return findSpoofElements(socket, check).length === spoofPlaces(check).length;
}

/** True when the attachment has its own elements and no others. Reads the whole sets. */
export function isOwnAlone(socket: NetlinkSocket, check: SpoofCheck): boolean {
  const all = listElementsOf(socket, check);
  return all.length === spoofPlaces(check).length && isSpoofChecked(socket, check);
}

/** Removes the elements of the attachment. */
export function removeSpoofCheck(socket: NetlinkSocket, check: SpoofCheck): void {
  deleteElements(socket, findSpoofElements(socket, check));
}

/** The elements of the attachment that are there, and how many there should be. */
export function spoofElementsOf(
  socket: NetlinkSocket,
  check: SpoofCheck,
): { elements: Element[]; isComplete: boolean } {
  const wanted = spoofPlaces(check);
  const elements = getElements(socket, wanted);
  return { elements, isComplete: elements.length === wanted.length };
}

function findSpoofElements(socket: NetlinkSocket, check: SpoofCheck): Element[] {
  return spoofElementsOf(socket, check).elements;
}

/** The elements of the attachment in its table, whatever they permit. */
function listElementsOf(socket: NetlinkSocket, { table, hostInterface }: SpoofCheck): Element[] {
  const byInterface = recall(
    () => `elements of table ${table.layout.table.title}`,
    () => groupByInterface(listElementsIn(socket, table)),
  );
  return byInterface.get(nameKey(interfaceKey(hostInterface, NOTHING))) ?? [];
}

/** Elements by the name of the interface that their keys begin with. */
function groupByInterface(elements: readonly Element[]): Map<string, Element[]> {
  const groups = new Map<string, Element[]>();
  for (const element of elements) {
    const name = nameKey(element.key);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [element]);
    else group.push(element);
  }
  return groups;
}

/** The bytes of an interface's name in the key of an element, as text. */
function nameKey(key: Uint8Array): string {
  return key.subarray(0, interfaceKey("", NOTHING).length).join();
}

/** The elements of the attachment with this host end, whatever they permit. The whole sets are searched. */
export function listSpoofElementsOf(socket: NetlinkSocket, hostInterface: string): Element[] {
  return listSpoofElements(socket).filter(isFor(hostInterface));
}

function isFor(hostInterface: string): (element: Element) => boolean {
  const name = interfaceKey(hostInterface, NOTHING);
  return ({ key }) => name.every((byte, at) => key[at] === byte);
}

/** Every element of every attachment on the node, in all tables. */
export function listSpoofElements(socket: NetlinkSocket): Element[] {
  return [BRIDGE_CHECK, NODE_CHECK, ARP_CHECK].flatMap((table) => listElementsIn(socket, table));
}

function listElementsIn(socket: NetlinkSocket, { layout, sets }: SpoofTable): Element[] {
  return listElementsOfTable(socket, layout.table, sets);
}
