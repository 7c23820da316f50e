// The interfaces of networks that are kept apart: put in, take out, compare. An element belongs to an
// interface that pods share, and so to no attachment alone. The caller decides which elements are needed, and
// holds the node's lock. Every function throws SystemError.
import { readText } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { isErrno } from "../sys/errno.ts";
import { executeBatch, firstRefusal } from "./batch.ts";
import { addElementMessage, deleteElements, type Element, getElement, listElements } from "./element.ts";
import {
  INGRESS_LAYOUT,
  INGRESS_SETS,
  INGRESS_TABLE,
  type IngressSet,
  ingressPlace,
} from "./ingress-layout.ts";
import { INTERFACE_NAME_BYTES } from "./key.ts";
import { deleteTableMessage } from "./message.ts";
import { isTableWhole, type TableTest } from "./table-layout.ts";

/** An interface of a network in one of the sets. */
export interface IngressElement {
  set: IngressSet;
  interfaceName: string;
  /** Words for people who list the rules. */
  comment: string;
}

/** False when the table is missing or was emptied. */
export function isIngressTableWhole(socket: NetlinkSocket): boolean {
  return isTableWhole(socket, INGRESS_LAYOUT);
}

/** True when the interface is in the set. */
export function hasIngressElement(socket: NetlinkSocket, set: IngressSet, interfaceName: string): boolean {
  return getElement(socket, ingressPlace(set, interfaceName)) !== undefined;
}

/**
 * The sets that the interface should stand in and does not; all of them when the table is not whole, as
 * `isWhole` says.
 */
export function missingIngressSets<Set extends IngressSet>(
  socket: NetlinkSocket,
  sets: readonly Set[],
  { interfaceName, isWhole }: { interfaceName: string; isWhole: TableTest },
): Set[] {
  if (!isWhole(socket, INGRESS_LAYOUT)) return [...sets];
  return sets.filter((set) => !hasIngressElement(socket, set, interfaceName));
}

/** Puts interfaces into the sets, and makes the table whole with it: all or nothing. */
export function putIngressElements(socket: NetlinkSocket, elements: readonly IngressElement[]): void {
  const isWhole = isIngressTableWhole(socket);
  const missing = elements.filter(({ set, interfaceName }) => !hasIngressElement(socket, set, interfaceName));
  const additions = missing.map(({ set, interfaceName, comment }) =>
    addElementMessage({ ...ingressPlace(set, interfaceName), chain: "", comment }),
  );
  const messages = isWhole
    ? additions
    : [...INGRESS_LAYOUT.tableMessages(), ...additions, ...INGRESS_LAYOUT.ruleMessages()];
  if (messages.length > 0) executeBatch(socket, messages);
}

/** Takes an interface out of sets, and deletes the table with the last element. */
export function removeIngressElements(
  socket: NetlinkSocket,
  sets: readonly IngressSet[],
  interfaceName: string,
): void {
  const all = listIngressElements(socket);
  const going = all.filter(
    (element) => sets.some((set) => set === element.set) && interfaceOf(element) === interfaceName,
  );
  if (going.length < all.length) return deleteElements(socket, going);
  const refusal = firstRefusal(socket, [deleteTableMessage(INGRESS_TABLE)]);
  if (refusal !== undefined && !isErrno(refusal, "ENOENT")) throw refusal;
}

/** The names of all interfaces that stand in a set. */
export function listIngressInterfaces(socket: NetlinkSocket): string[] {
  return [...new Set(listIngressElements(socket).map(interfaceOf))];
}

function listIngressElements(socket: NetlinkSocket): Element[] {
  return INGRESS_SETS.flatMap((set) => listElements(socket, INGRESS_TABLE, set));
}

function interfaceOf({ key }: Element): string {
  return readText(key.subarray(0, INTERFACE_NAME_BYTES));
}
