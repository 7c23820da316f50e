// Elements of sets and maps. Whose one is, is in its comment: the attachment's digest, then words for people.
import { listAttributes, type Reply, readAttributes, readText } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLA_HDRLEN, NLA_TYPE_MASK, NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { Writer } from "../netlink/writer.ts";
import { textBytes, textOf, u16At } from "../sys/bytes.ts";
import { isErrno } from "../sys/errno.ts";
import { writeValue, writeVerdict } from "./expression.ts";
import { firstRefusal, GENERIC_HEADER, requestMessage, type Table } from "./message.ts";

/** Where an element stands. */
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
  /** Where a verdict map's element leads; empty in all others. */
  chain: string;
  /** What a map of values gives for the key. */
  value?: Uint8Array | undefined;
  comment: string;
}

/** nft and libnftnl keep a comment as type 0, a length byte, and text with its NUL, of at most 128 bytes. */
const COMMENT_TYPE = 0;
const COMMENT_BYTES = 127;

/**
 * Requests and their answers, a refusal for each at worst, fit into the buffers of a socket, 208 kB each way;
 * an answer counts as about 0.8 kB.
 */
export const BATCH_ELEMENTS = 200;

/**
 * A new element. Refused with EEXIST when the key is taken, with ENOENT when the chain, the set or the table
 * is missing.
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
        if (element.chain !== "") writeVerdict(w, nft.NFTA_SET_ELEM_DATA, nft.NFT_GOTO, element.chain);
        w.attribute(nft.NFTA_SET_ELEM_USERDATA, commentBytes(element.comment));
      }),
  );
}

/** The element with this key goes, whatever it leads to. Refused with ENOENT when there is none. */
export function deleteElementMessage(place: ElementPlace): Message {
  return requestMessage(place.table, `delete an element of ${place.set}`, nft.NFT_MSG_DELSETELEM, 0, (w) =>
    elementList(w, place, () => writeKey(w, place)),
  );
}

/**
 * Deletes elements, of whatever tables, and does not mind when somebody else was faster. They go in one
 * batch: the kernel cleans up after each, and the close of the socket waits for that. Throws SystemError.
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

/** The same for many places; those elements that there are. Throws SystemError. */
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
 * Says yes or no to an element by its keys alone: where they start in the bytes. For an element without a
 * last key that is undefined.
 */
export type KeyTest = (bytes: Uint8Array, keyAt: number, lastKeyAt: number | undefined) => boolean;

/**
 * The elements of a set or map that pass a test; of all others the keys alone are read. Throws SystemError.
 */
export function searchElements(socket: NetlinkSocket, table: Table, set: string, passes: KeyTest): Element[] {
  const found: Element[] = [];
  for (const { payload } of dumpElements(socket, table, set)) {
    const list = readAttributes(payload, GENERIC_HEADER).bytes(nft.NFTA_SET_ELEM_LIST_ELEMENTS);
    if (list === undefined) continue;
    for (let at = 0, next = 0; at + NLA_HDRLEN <= list.length; at = next) {
      const end = at + Math.max(NLA_HDRLEN, u16At(list, at));
      next = (end + 3) & ~3;
      const keyAt = valueStart(list, at + NLA_HDRLEN, end, nft.NFTA_SET_ELEM_KEY);
      if (
        keyAt !== undefined &&
        passes(list, keyAt, valueStart(list, at + NLA_HDRLEN, end, nft.NFTA_SET_ELEM_KEY_END))
      )
        found.push(readElement(table, set, list.subarray(at + NLA_HDRLEN, end)));
    }
  }
  return found;
}

/** Where the value of a key starts: of the first attribute inside the attribute of this type. */
function valueStart(bytes: Uint8Array, from: number, end: number, type: number): number | undefined {
  for (let at = from; at + NLA_HDRLEN <= end; ) {
    if ((u16At(bytes, at + 2) & NLA_TYPE_MASK) === type) return at + 2 * NLA_HDRLEN;
    at += (Math.max(NLA_HDRLEN, u16At(bytes, at)) + 3) & ~3;
  }
  return undefined;
}

function dumpElements(socket: NetlinkSocket, table: Table, set: string): Reply[] {
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

/**
 * The comment that says whose an element is: the attachment's digest and, as far as there is room, its label.
 */
export function ownerComment({ owner, label }: { owner: string; label: string }): string {
  const text = `${owner} ${label}`;
  const bytes = textBytes(text);
  // A cut in the middle of a character leaves a replacement character, which is longer than what was cut.
  return bytes.length <= COMMENT_BYTES
    ? text
    : textOf(bytes.subarray(0, COMMENT_BYTES)).replace(/\uFFFD$/, "");
}

/** The digest of the attachment that an element belongs to. */
export function ownerOf(element: Element): string {
  const end = element.comment.indexOf(" ");
  return end < 0 ? element.comment : element.comment.slice(0, end);
}

/**
 * The network that an element's comment names: the word after the owner. One that is too long for a comment
 * is cut, and then no network's.
 */
export function networkOfComment({ comment }: Element): string | undefined {
  const words = comment.split(" ");
  return words.length > 2 ? words[1] : undefined;
}

/**
 * The comment in the user data of an element or a rule, which is a row of type, length, value; empty when
 * there is none.
 */
export function readComment(userdata: Uint8Array | undefined): string {
  for (let at = 0; userdata !== undefined && at + 2 <= userdata.length; at += 2 + (userdata[at + 1] ?? 0)) {
    if (userdata[at] === COMMENT_TYPE)
      return readText(userdata.subarray(at + 2, at + 2 + (userdata[at + 1] ?? 0)));
  }
  return "";
}

function writeKey(w: Writer, { key, lastKey }: ElementPlace): void {
  writeValue(w, nft.NFTA_SET_ELEM_KEY, key);
  if (lastKey !== undefined) writeValue(w, nft.NFTA_SET_ELEM_KEY_END, lastKey);
}

function elementList(w: Writer, { table, set }: ElementPlace, element: () => void): void {
  w.string(nft.NFTA_SET_ELEM_LIST_TABLE, table.name).string(nft.NFTA_SET_ELEM_LIST_SET, set);
  w.nest(nft.NFTA_SET_ELEM_LIST_ELEMENTS, () => w.nest(nft.NFTA_LIST_ELEM, element));
}

function commentBytes(comment: string): Uint8Array {
  const text = textBytes(`${comment}\0`);
  const bytes = new Uint8Array(2 + text.length);
  bytes[0] = COMMENT_TYPE;
  bytes[1] = text.length;
  bytes.set(text, 2);
  return bytes;
}

function readElements(table: Table, set: string, reply: Reply): Element[] {
  const list = readAttributes(reply.payload, GENERIC_HEADER).bytes(nft.NFTA_SET_ELEM_LIST_ELEMENTS);
  return listAttributes(list ?? new Uint8Array()).map(([, bytes]) => readElement(table, set, bytes));
}

function readElement(table: Table, set: string, bytes: Uint8Array): Element {
  const attributes = readAttributes(bytes);
  const data = attributes.nest(nft.NFTA_SET_ELEM_DATA);
  return {
    table,
    set,
    key: attributes.nest(nft.NFTA_SET_ELEM_KEY)?.bytes(nft.NFTA_DATA_VALUE) ?? new Uint8Array(),
    lastKey: attributes.nest(nft.NFTA_SET_ELEM_KEY_END)?.bytes(nft.NFTA_DATA_VALUE),
    chain: data?.nest(nft.NFTA_DATA_VERDICT)?.string(nft.NFTA_VERDICT_CHAIN) ?? "",
    value: data?.bytes(nft.NFTA_DATA_VALUE),
    comment: readComment(attributes.bytes(nft.NFTA_SET_ELEM_USERDATA)),
  };
}
