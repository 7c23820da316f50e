// Sets of intervals of addresses. The kernel has an interval as two elements: its first key, and the key
// behind its last one with the flag "end of an interval"; one that ends with the last key of all has no end.
// (net/netfilter/nft_set_rbtree.c)
import { type Address, addressBytes, addressFromBytes, type Family, familyBits } from "../ip/address.ts";
import type { AddressRange } from "../ip/range.ts";
import { readAttributes, walkAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { Writer } from "../netlink/writer.ts";
import { dumpElements } from "./element.ts";
import { writeValue } from "./expression.ts";
import { GENERIC_HEADER, requestMessage, type Table } from "./message.ts";

/** A set of intervals of addresses. */
export interface IntervalSet {
  table: Table;
  set: string;
  family: Family;
}

/** The most intervals in one message: a nest has at most 64 KiB, and an element 48 bytes at most. */
const INTERVALS_AT_ONCE = 500;

/** Messages that add intervals which overlap neither each other nor any that is there. */
export function addIntervalMessages(set: IntervalSet, intervals: readonly AddressRange[]): Message[] {
  return inParts(intervals, (part) =>
    intervalMessage(set, part, nft.NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL),
  );
}

/** Messages that delete intervals, each as it was added. */
export function deleteIntervalMessages(set: IntervalSet, intervals: readonly AddressRange[]): Message[] {
  return inParts(intervals, (part) => intervalMessage(set, part, nft.NFT_MSG_DELSETELEM, 0));
}

function inParts(
  intervals: readonly AddressRange[],
  messageOf: (part: readonly AddressRange[]) => Message,
): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < intervals.length; at += INTERVALS_AT_ONCE)
    messages.push(messageOf(intervals.slice(at, at + INTERVALS_AT_ONCE)));
  return messages;
}

// biome-ignore lint/complexity/useMaxParams: the two kinds of requests differ in type and flags alone.
function intervalMessage(
  { table, set }: IntervalSet,
  intervals: readonly AddressRange[],
  type: number,
  flags: number,
): Message {
  const what = `${type === nft.NFT_MSG_NEWSETELEM ? "add" : "delete"} ${intervals.length} intervals of ${set}`;
  return requestMessage(table, what, type, flags, (w) => {
    w.string(nft.NFTA_SET_ELEM_LIST_TABLE, table.name).string(nft.NFTA_SET_ELEM_LIST_SET, set);
    w.nest(nft.NFTA_SET_ELEM_LIST_ELEMENTS, () => {
      for (const { first, last } of intervals) {
        writeBound(w, first, 0);
        const behind = last.value + 1n;
        if (behind >> BigInt(familyBits(last.family)) === 0n)
          writeBound(w, { family: last.family, value: behind }, nft.NFT_SET_ELEM_INTERVAL_END);
      }
    });
  });
}

function writeBound(w: Writer, address: Address, flags: number): void {
  w.nest(nft.NFTA_LIST_ELEM, () => {
    writeValue(w, nft.NFTA_SET_ELEM_KEY, addressBytes(address));
    if (flags !== 0) w.be32Attribute(nft.NFTA_SET_ELEM_FLAGS, flags);
  });
}

/** The intervals of a set, in their order; none when it or its table is missing. Throws SystemError. */
export function listIntervals(socket: NetlinkSocket, { table, set, family }: IntervalSet): AddressRange[] {
  const bounds: Bound[] = [];
  for (const { payload } of dumpElements(socket, table, set)) {
    const list = readAttributes(payload, GENERIC_HEADER).bytes(nft.NFTA_SET_ELEM_LIST_ELEMENTS);
    if (list === undefined) continue;
    walkAttributes(list, 0, list.length, (_, start, end) => {
      const bound = readBound(list, start, end);
      if (bound !== undefined) bounds.push(bound);
    });
  }
  // An end comes before the beginning of the next interval at the same key.
  bounds.sort((a, b) =>
    a.value === b.value ? Number(b.isEnd) - Number(a.isEnd) : a.value < b.value ? -1 : 1,
  );
  return pairs(bounds, family);
}

/** The beginning of an interval, or the key behind its end. */
interface Bound {
  value: bigint;
  isEnd: boolean;
}

/** The bound between two places; a walk that makes no objects, since a cluster has thousands. */
function readBound(bytes: Uint8Array, from: number, to: number): Bound | undefined {
  let value: bigint | undefined;
  let isEnd = false;
  walkAttributes(bytes, from, to, (type, start, end) => {
    // A number of 32 bits in network order: the flag is in its last byte.
    if (type === nft.NFTA_SET_ELEM_FLAGS)
      isEnd = ((bytes[end - 1] ?? 0) & nft.NFT_SET_ELEM_INTERVAL_END) !== 0;
    if (type !== nft.NFTA_SET_ELEM_KEY) return;
    walkAttributes(bytes, start, end, (kind, first, last) => {
      const length = last - first;
      if (kind === nft.NFTA_DATA_VALUE && (length === 4 || length === 16))
        value = addressFromBytes(bytes.subarray(first, last)).value;
    });
  });
  return value === undefined ? undefined : { value, isEnd };
}

function pairs(bounds: readonly Bound[], family: Family): AddressRange[] {
  const intervals: AddressRange[] = [];
  const lastOfAll = (1n << BigInt(familyBits(family))) - 1n;
  for (const [at, { value, isEnd }] of bounds.entries()) {
    if (isEnd) continue;
    const next = bounds[at + 1];
    const last = next === undefined ? lastOfAll : next.isEnd ? next.value - 1n : value;
    intervals.push({ first: { family, value }, last: { family, value: last } });
  }
  return intervals;
}
