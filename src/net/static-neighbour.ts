// Neighbours that nobody has to ask for: the MAC of an address on a link, and the node behind a MAC of a
// VXLAN device. (linux/neighbour.h; the requests are those of `ip neighbour` and `bridge fdb`)
import { type Address, addressBytes, addressFromBytes, type Family, formatAddress } from "../ip/address.ts";
import { macBytes } from "../ip/mac.ts";
import { readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_REPLACE } from "../netlink/uapi/netlink.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import type { Writer } from "../netlink/writer.ts";
import { u16At, u32At } from "../sys/bytes.ts";
import { familyNumber } from "./address.ts";
import { formatMac } from "./link.ts";

/** A permanent entry. */
export interface StaticNeighbour {
  /** `arp`: `address` on the link has `mac`. `fdb`: frames to `mac` go to the node at `address`. */
  table: "arp" | "fdb";
  address: Address;
  mac: string;
}

/** Makes a permanent entry; one with the same key (the address of `arp`, the MAC of `fdb`) is replaced. */
export function addStaticNeighbourMessage(index: number, neighbour: StaticNeighbour): Message {
  return {
    what: `tell the device that ${textOf(neighbour)}`,
    type: rt.RTM_NEWNEIGH,
    flags: NLM_F_CREATE | NLM_F_REPLACE,
    body: (w) => writeEntry(w, index, neighbour),
  };
}

/** Deletes an entry. Refused with ENOENT when there is none. */
export function deleteStaticNeighbourMessage(index: number, neighbour: StaticNeighbour): Message {
  return {
    what: `forget that ${textOf(neighbour)}`,
    type: rt.RTM_DELNEIGH,
    flags: 0,
    body: (w) => writeEntry(w, index, neighbour),
  };
}

function textOf({ table, address, mac }: StaticNeighbour): string {
  return table === "arp" ? `${formatAddress(address)} has ${mac}` : `${mac} is at ${formatAddress(address)}`;
}

function writeEntry(w: Writer, index: number, { table, address, mac }: StaticNeighbour): void {
  const family = table === "arp" ? familyNumber(address.family) : rt.AF_BRIDGE;
  // struct ndmsg
  w.u8(family).u8(0).u16(0).u32(index);
  w.u16(rt.NUD_PERMANENT)
    .u8(table === "arp" ? 0 : rt.NTF_SELF)
    .u8(0);
  w.attribute(rt.NDA_DST, addressBytes(address)).attribute(rt.NDA_LLADDR, macBytes(mac));
}

/**
 * The permanent entries of a link: its addresses' MACs of both families, and of a VXLAN device the nodes
 * behind MACs. Throws SystemError.
 */
export function listStaticNeighbours(socket: NetlinkSocket, index: number): StaticNeighbour[] {
  const arp = ([4, 6] as const).flatMap((family) => listOf(socket, index, family));
  return [...arp, ...listOf(socket, index, "fdb")];
}

function listOf(socket: NetlinkSocket, index: number, table: Family | "fdb"): StaticNeighbour[] {
  const isFdb = table === "fdb";
  const message: Message = {
    what: isFdb ? "list the forwarding table of the device" : `list neighbours of IPv${table}`,
    type: rt.RTM_GETNEIGH,
    flags: 0,
    body: (w) => {
      // struct ndmsg. The header has the link of a forwarding table, an attribute that of neighbours.
      w.u8(isFdb ? rt.AF_BRIDGE : familyNumber(table))
        .u8(0)
        .u16(0);
      w.u32(isFdb ? index : 0).u32(0);
      if (!isFdb) w.u32Attribute(rt.NDA_IFINDEX, index);
    },
  };
  return socket.dump(message).flatMap(({ payload }) => {
    const attributes = readAttributes(payload, 12);
    const address = attributes.addressBytes(rt.NDA_DST);
    const mac = formatMac(attributes.bytes(rt.NDA_LLADDR));
    const isOurs = u32At(payload, 4) === index && (u16At(payload, 8) & rt.NUD_PERMANENT) !== 0;
    if (!isOurs || address === undefined || mac === "") return [];
    return [{ table: isFdb ? "fdb" : "arp", address: addressFromBytes(address), mac }];
  });
}
