// The entries of networks that are kept apart: put in, take out, compare. An element belongs to an entry that
// pods share, and so to no attachment alone. The caller decides which elements are needed, and holds the
// node's lock. Every function throws SystemError.
import { readText } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { u32At } from "../sys/bytes.ts";
import { isErrno } from "../sys/errno.ts";
import { executeBatch, firstRefusal } from "./batch.ts";
import {
  addElementMessage,
  deleteElements,
  type Element,
  getElement,
  listElementsOfTable,
} from "./element.ts";
import {
  type Entry,
  INGRESS_LAYOUT,
  INGRESS_SETS,
  INGRESS_TABLE,
  type IngressSet,
  ingressPlace,
  isOfGroups,
} from "./ingress-layout.ts";
import { INTERFACE_NAME_BYTES } from "./key.ts";
import { deleteTableMessage } from "./message.ts";
import { isTableWhole, type TableTest } from "./table-layout.ts";

/** An entry of a network in one of the sets. */
export interface IngressElement {
  set: IngressSet;
  entry: Entry;
  /** Words for people who list the rules. */
  comment: string;
}

/** False when the table is missing or was emptied. */
export function isIngressTableWhole(socket: NetlinkSocket): boolean {
  return isTableWhole(socket, INGRESS_LAYOUT);
}

/** True when the entry is in the set, which is of its sort. */
export function hasIngressElement(socket: NetlinkSocket, set: IngressSet, entry: Entry): boolean {
  return getElement(socket, ingressPlace(set, entry)) !== undefined;
}

/** The sets in which the entry stands. */
export function ingressSetsOf(socket: NetlinkSocket, entry: Entry): IngressSet[] {
  return INGRESS_SETS.filter(
    (set) => isOfGroups(set) === (typeof entry === "number") && hasIngressElement(socket, set, entry),
  );
}

/**
 * The sets that the entry should stand in and does not; all of them when the table is not whole, as `isWhole`
 * says. Earlier releases knew no groups, so a table of theirs is not whole for one.
 */
export function missingIngressSets<Set extends IngressSet>(
  socket: NetlinkSocket,
  sets: readonly Set[],
  { entry, isWhole }: { entry: Entry; isWhole: TableTest },
): Set[] {
  const layout = typeof entry === "number" ? { ...INGRESS_LAYOUT, earlier: [] } : INGRESS_LAYOUT;
  if (!isWhole(socket, layout)) return [...sets];
  return sets.filter((set) => !hasIngressElement(socket, set, entry));
}

/** Puts entries into the sets, and makes the table whole with it: all or nothing. */
export function putIngressElements(socket: NetlinkSocket, elements: readonly IngressElement[]): void {
  const isWhole = isIngressTableWhole(socket);
  const missing = elements.filter(({ set, entry }) => !hasIngressElement(socket, set, entry));
  const additions = missing.map(({ set, entry, comment }) =>
    addElementMessage({ ...ingressPlace(set, entry), chain: "", comment }),
  );
  const messages = isWhole
    ? additions
    : [...INGRESS_LAYOUT.tableMessages(), ...additions, ...INGRESS_LAYOUT.ruleMessages()];
  if (messages.length > 0) executeBatch(socket, messages);
}

/** Takes an entry out of sets, and deletes the table with the last element. */
export function removeIngressElements(
  socket: NetlinkSocket,
  sets: readonly IngressSet[],
  entry: Entry,
): void {
  const all = listIngressElements(socket);
  const going = all.filter(
    (element) => sets.some((set) => set === element.set) && entryOf(element) === entry,
  );
  if (going.length < all.length) return deleteElements(socket, going);
  const refusal = firstRefusal(socket, [deleteTableMessage(INGRESS_TABLE)]);
  if (refusal !== undefined && !isErrno(refusal, "ENOENT")) throw refusal;
}

/** All entries that stand in a set. */
export function listIngressEntries(socket: NetlinkSocket): Entry[] {
  return [...new Set(listIngressElements(socket).map(entryOf))];
}

function listIngressElements(socket: NetlinkSocket): Element[] {
  return listElementsOfTable(socket, INGRESS_TABLE, INGRESS_SETS);
}

function entryOf({ set, key }: Element): Entry {
  return isOfGroups(set as IngressSet) ? u32At(key, 0) : readText(key.subarray(0, INTERFACE_NAME_BYTES));
}
