// Neighbours: the link-layer addresses that a namespace knows of addresses on its links. (linux/neighbour.h)
import { type Address, addressFromBytes } from "../ip/address.ts";
import { type Reply, readAttributes } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { u16At, u32At } from "../sys/bytes.ts";
import { formatMac } from "./link.ts";

/** A neighbour. */
export interface Neighbour {
  /** The index of the link that it is on. */
  index: number;
  address: Address;
  /** Lower-case colon form; empty while it is asked for. */
  mac: string;
  /** Somebody entered it by hand: it does not grow old, and nobody is asked. */
  isPermanent: boolean;
  /** Nobody has answered: the kernel asks now, or has asked in vain. */
  isSilent: boolean;
  /** The kernel needs no answer for it: a group's address, or a link without link-layer addresses. */
  needsNoAnswer: boolean;
}

/** All neighbours of the socket's namespace, of both families. Throws SystemError. */
export function listNeighbours(socket: NetlinkSocket): Neighbour[] {
  const message = {
    what: "list neighbours",
    type: rt.RTM_GETNEIGH,
    flags: 0,
    // struct ndmsg
    body: (w: { u32(value: number): { u32(value: number): { u32(value: number): unknown } } }) =>
      void w.u32(rt.AF_UNSPEC).u32(0).u32(0),
  };
  return socket.dump(message).flatMap((reply) => readNeighbour(reply) ?? []);
}

function readNeighbour({ payload }: Reply): Neighbour | undefined {
  const family = payload[0];
  if (family !== rt.AF_INET && family !== rt.AF_INET6) return undefined;
  const attributes = readAttributes(payload, 12);
  const bytes = attributes.addressBytes(rt.NDA_DST);
  if (bytes === undefined) return undefined;
  const state = u16At(payload, 8);
  return {
    index: u32At(payload, 4),
    address: addressFromBytes(bytes),
    mac: formatMac(attributes.bytes(rt.NDA_LLADDR)),
    isPermanent: (state & rt.NUD_PERMANENT) !== 0,
    isSilent: (state & (rt.NUD_INCOMPLETE | rt.NUD_FAILED)) !== 0,
    needsNoAnswer: (state & rt.NUD_NOARP) !== 0,
  };
}
