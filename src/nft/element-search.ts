// The search through a large set or map that reads only the keys of most elements.
import { readAttributes } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { NLA_HDRLEN, NLA_TYPE_MASK } from "../netlink/uapi/netlink.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { u16At } from "../sys/bytes.ts";
import { dumpElements, type Element, type ElementPlace, readElement } from "./element.ts";
import { GENERIC_HEADER } from "./message.ts";

/**
 * A test of an element by its keys alone: the places in the bytes where they start. `lastKeyAt` is undefined
 * for an element without a last key.
 */
export type KeyTest = (bytes: Uint8Array, keyAt: number, lastKeyAt: number | undefined) => boolean;

/**
 * The elements of a set or map that pass a test; of all others only the keys are read. Throws SystemError.
 */
export function searchElements(
  socket: NetlinkSocket,
  { table, set }: Pick<ElementPlace, "table" | "set">,
  passes: KeyTest,
): Element[] {
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

/** The place of a key's value: the value of the first attribute inside the attribute of this type. */
// biome-ignore lint/complexity/useMaxParams: it runs for each of thousands of elements.
function valueStart(bytes: Uint8Array, from: number, end: number, type: number): number | undefined {
  for (let at = from; at + NLA_HDRLEN <= end; ) {
    if ((u16At(bytes, at + 2) & NLA_TYPE_MASK) === type) return at + 2 * NLA_HDRLEN;
    at += (Math.max(NLA_HDRLEN, u16At(bytes, at)) + 3) & ~3;
  }
  return undefined;
}
