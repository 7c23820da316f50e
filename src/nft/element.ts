// Elements of sets and maps: put in, take out, read.
import { type Reply, readAttributes, readText, walkAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { Writer } from "../netlink/writer.ts";
import { isErrno } from "../sys/errno.ts";
import { firstRefusal } from "./batch.ts";
import { commentBytes, readComment } from "./comment.ts";
import { writeValue, writeVerdict } from "./expression.ts";
import { GENERIC_HEADER, getTableMessage, requestMessage, type Table } from "./message.ts";

/** The place of an element: table, set or map, and key. */
export interface ElementPlace {
  table: Table;
  /** The set or map. */
  set: string;
  key: Uint8Array;
  /** The last key of an element that stands for an interval. */
  lastKey?: Uint8Array | undefined;
}

/** An element of a set or of a map. */
export interface Element extends ElementPlace {
  /** The chain that a verdict map's element leads to; empty in all other elements. */
  chain: string;
  /** The value that a map of values gives for the key. */
  value?: Uint8Array | undefined;
  comment: string;
}

/**
 * The most elements in one batch: requests and their answers, a refusal for each at worst, fit into the
 * buffers of a socket, 208 kB each way; an answer counts as about 0.8 kB.
 */
export const BATCH_ELEMENTS = 200;

/**
 * Adds an element. Refused with EEXIST when the key is taken, with ENOENT when the chain, the set or the
 * table is missing.
 */
export function addElementMessage(element: Element): Message {
  return requestMessage(
    element.table,
    `add an element to ${element.set}`,
    nft.NFT_MSG_NEWSETELEM,
    NLM_F_CREATE | NLM_F_EXCL,
    (w) =>
      elementList(w, element, () => {
        writeKey(w, element);
        if (element.value !== undefined) writeValue(w, nft.NFTA_SET_ELEM_DATA, element.value);
        if (element.chain !== "")
          writeVerdict(w, nft.NFTA_SET_ELEM_DATA, { code: nft.NFT_GOTO, chain: element.chain });
        w.attribute(nft.NFTA_SET_ELEM_USERDATA, commentBytes(element.comment));
      }),
  );
}

/** Deletes the element with this key, whatever it leads to. Refused with ENOENT when there is none. */
export function deleteElementMessage(place: ElementPlace): Message {
  return requestMessage(place.table, `delete an element of ${place.set}`, nft.NFT_MSG_DELSETELEM, 0, (w) =>
    elementList(w, place, () => writeKey(w, place)),
  );
}

/**
 * Deletes elements, of any tables; an element that another process has deleted meanwhile is no error. They go
 * in one batch, because the kernel cleans up after each batch and the close of the socket waits for that.
 * Throws SystemError.
 */
export function deleteElements(socket: NetlinkSocket, elements: ElementPlace[]): void {
  for (let at = 0; at < elements.length; at += BATCH_ELEMENTS) {
    const part = elements.slice(at, at + BATCH_ELEMENTS);
    const refusal = firstRefusal(socket, part.map(deleteElementMessage));
    if (refusal === undefined) continue;
    if (!isErrno(refusal, "ENOENT")) throw refusal;
    for (const element of part) {
      const error = firstRefusal(socket, [deleteElementMessage(element)]);
      if (error !== undefined && !isErrno(error, "ENOENT")) throw error;
    }
  }
}

/**
 * The element in this place, or undefined when there is none (or no set, or no table). Throws SystemError.
 */
export function getElement(socket: NetlinkSocket, place: ElementPlace): Element | undefined {
  const [outcome] = socket.transact([getElementMessage(place)]);
  if (outcome?.error !== undefined && !isErrno(outcome.error, "ENOENT")) throw outcome.error;
  const reply = outcome?.replies[0];
  return reply === undefined ? undefined : readElements(place.table, place.set, reply)[0];
}

function getElementMessage(place: ElementPlace): Message {
  return requestMessage(place.table, `ask for an element of ${place.set}`, nft.NFT_MSG_GETSETELEM, 0, (w) =>
    elementList(w, place, () => writeValue(w, nft.NFTA_SET_ELEM_KEY, place.key)),
  );
}

/** The elements in these places, without the places that are empty. Throws SystemError. */
export function getElements(socket: NetlinkSocket, places: ElementPlace[]): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < places.length; at += BATCH_ELEMENTS) {
    const part = places.slice(at, at + BATCH_ELEMENTS);
    let index = 0;
    for (const { error, replies } of socket.transact(part.map(getElementMessage))) {
      if (error !== undefined && !isErrno(error, "ENOENT")) throw error;
      const [reply] = replies;
      const place = part[index++];
      if (reply !== undefined && place !== undefined)
        found.push(...readElements(place.table, place.set, reply));
    }
  }
  return found;
}

/** All elements of a set or map; none when it or the table is missing. Throws SystemError. */
export function listElements(socket: NetlinkSocket, table: Table, set: string): Element[] {
  const found: Element[] = [];
  for (const reply of dumpElements(socket, table, set)) found.push(...readElements(table, set, reply));
  return found;
}

/**
 * All elements of some sets and maps of a table; none when they are missing, and only one question where the
 * table is. Throws SystemError.
 */
export function listElementsOfTable(socket: NetlinkSocket, table: Table, sets: readonly string[]): Element[] {
  const [outcome] = socket.transact([getTableMessage(table)]);
  if (isErrno(outcome?.error, "ENOENT")) return [];
  if (outcome?.error !== undefined) throw outcome.error;
  return sets.flatMap((set) => listElements(socket, table, set));
}

/** The answers that list a set or map; none when it or the table is missing. Throws SystemError. */
export function dumpElements(socket: NetlinkSocket, table: Table, set: string): Reply[] {
  const ask = requestMessage(table, `list ${set}`, nft.NFT_MSG_GETSETELEM, 0, (w) =>
    w.string(nft.NFTA_SET_ELEM_LIST_TABLE, table.name).string(nft.NFTA_SET_ELEM_LIST_SET, set),
  );
  try {
    return socket.dump(ask);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

function writeKey(w: Writer, { key, lastKey }: ElementPlace): void {
  writeValue(w, nft.NFTA_SET_ELEM_KEY, key);
  if (lastKey !== undefined) writeValue(w, nft.NFTA_SET_ELEM_KEY_END, lastKey);
}

function elementList(w: Writer, { table, set }: ElementPlace, element: () => void): void {
  w.string(nft.NFTA_SET_ELEM_LIST_TABLE, table.name).string(nft.NFTA_SET_ELEM_LIST_SET, set);
  w.nest(nft.NFTA_SET_ELEM_LIST_ELEMENTS, () => w.nest(nft.NFTA_LIST_ELEM, element));
}

function readElements(table: Table, set: string, { payload }: Reply): Element[] {
  const elements: Element[] = [];
  const list = readAttributes(payload, GENERIC_HEADER).bytes(nft.NFTA_SET_ELEM_LIST_ELEMENTS) ?? NOTHING;
  walkAttributes(list, 0, list.length, (_, start, end) => {
    elements.push(readElement(table, set, list.subarray(start, end)));
  });
  return elements;
}

/** Reads an element of the kernel from the attributes inside NFTA_LIST_ELEM. */
export function readElement(table: Table, set: string, bytes: Uint8Array): Element {
  const element: Element = { table, set, key: NOTHING, chain: "", comment: "" };
  walkAttributes(bytes, 0, bytes.length, (type, start, end) => {
    if (type === nft.NFTA_SET_ELEM_KEY) element.key = valueIn(bytes, start, end) ?? NOTHING;
    else if (type === nft.NFTA_SET_ELEM_KEY_END) element.lastKey = valueIn(bytes, start, end);
    else if (type === nft.NFTA_SET_ELEM_USERDATA) element.comment = readComment(bytes.subarray(start, end));
    else if (type === nft.NFTA_SET_ELEM_DATA) {
      element.value = valueIn(bytes, start, end);
      if (element.value === undefined) element.chain = chainIn(bytes, start, end);
    }
  });
  return element;
}

const NOTHING = new Uint8Array();

/** The value of a nest of struct nft_data (NFTA_DATA_VALUE); undefined for a verdict. */
function valueIn(bytes: Uint8Array, from: number, to: number): Uint8Array | undefined {
  let value: Uint8Array | undefined;
  walkAttributes(bytes, from, to, (type, start, end) => {
    if (type === nft.NFTA_DATA_VALUE) value = bytes.subarray(start, end);
  });
  return value;
}

/** The chain of a nest of struct nft_data that is a verdict; empty where it leads to none. */
function chainIn(bytes: Uint8Array, from: number, to: number): string {
  let chain = "";
  walkAttributes(bytes, from, to, (kind, begin, stop) => {
    if (kind !== nft.NFTA_DATA_VERDICT) return;
    walkAttributes(bytes, begin, stop, (type, start, end) => {
      if (type === nft.NFTA_VERDICT_CHAIN) chain = readText(bytes.subarray(start, end));
    });
  });
  return chain;
}
