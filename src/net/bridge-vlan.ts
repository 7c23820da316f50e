// VLANs of bridge ports: the ids of each port, and whether its packets carry a tag. (linux/if_bridge.h; the
// requests are those of iproute2's `bridge vlan`)
import { listAttributes, type Reply, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import type { Writer } from "../netlink/writer.ts";
import { u16At, u32At } from "../sys/bytes.ts";
import { getLinkMessage, type LinkName, linkHeader } from "./link.ts";

/** VLAN ids in a row; both ends belong to it. */
export interface VlanRange {
  first: number;
  last: number;
}

/**
 * A VLAN of a port. `native`: packets that arrive without a tag belong to it (PVID). `untagged`: packets
 * leave without a tag.
 */
export interface PortVlan extends VlanRange {
  native: boolean;
  untagged: boolean;
}

/** Makes `vlan` the port's VLAN of packets without a tag, in the place of any other. */
export function addNativeVlanMessage(port: number, vlan: number): Message {
  return vlanMessage(port, {
    what: `put the port into VLAN ${vlan}`,
    type: rt.RTM_SETLINK,
    range: { first: vlan, last: vlan },
    flags: rt.BRIDGE_VLAN_INFO_PVID | rt.BRIDGE_VLAN_INFO_UNTAGGED,
  });
}

/** Puts a port into VLANs, with tagged packets. */
export function addTaggedVlansMessage(port: number, range: VlanRange): Message {
  const what = `add VLANs ${formatRange(range)} to the port`;
  return vlanMessage(port, { what, type: rt.RTM_SETLINK, range, flags: 0 });
}

/** Takes a port out of VLANs; VLANs in which it is not are no error. */
export function removeVlansMessage(port: number, range: VlanRange): Message {
  const what = `take VLANs ${formatRange(range)} off the port`;
  return vlanMessage(port, { what, type: rt.RTM_DELLINK, range, flags: 0 });
}

/** A range of VLANs for people: `100`, `200-299`. */
export function formatRange({ first, last }: VlanRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}

/** Putting a port into VLANs, or taking it out of them. */
interface VlanChange {
  /** For errors: what the kernel was asked to do. */
  what: string;
  /** RTM_SETLINK or RTM_DELLINK. */
  type: number;
  range: VlanRange;
  /** BRIDGE_VLAN_INFO_… */
  flags: number;
}

/** A request with the range as two struct bridge_vlan_info, its beginning and its end. */
function vlanMessage(port: number, { what, type, range, flags }: VlanChange): Message {
  const { first, last } = range;
  return {
    what,
    type,
    flags: 0,
    body: (w) => {
      linkHeader(w, { family: rt.AF_BRIDGE, index: port });
      const settings = w.openNest(rt.IFLA_AF_SPEC, 0);
      // The request is for the port's bridge, not for the link's own driver.
      w.attribute(rt.IFLA_BRIDGE_FLAGS, Uint8Array.of(rt.BRIDGE_FLAGS_MASTER, 0));
      if (first === last) vlanInfo(w, flags, first);
      else {
        vlanInfo(w, flags | rt.BRIDGE_VLAN_INFO_RANGE_BEGIN, first);
        vlanInfo(w, flags | rt.BRIDGE_VLAN_INFO_RANGE_END, last);
      }
      w.closeNest(settings);
    },
  };
}

function vlanInfo(w: Writer, flags: number, vlan: number): void {
  w.attribute(rt.IFLA_BRIDGE_VLAN_INFO, Uint8Array.of(flags, flags >>> 8, vlan, vlan >>> 8));
}

/** The state of VLAN filtering of a bridge; `notInKernel`: the kernel cannot filter. */
export type VlanFiltering = "on" | "off" | "notInKernel";

/**
 * The filtering of a bridge; undefined when there is no such bridge. A kernel without filtering says that it
 * is off, but names no protocol. Throws SystemError.
 */
export function getVlanFiltering(socket: NetlinkSocket, which: LinkName): VlanFiltering | undefined {
  const [outcome] = socket.transact([getLinkMessage(which)]);
  const reply = outcome?.replies[0];
  if (reply === undefined) return undefined;
  const info = readAttributes(reply.payload, 16).nest(rt.IFLA_LINKINFO);
  if (info?.string(rt.IFLA_INFO_KIND) !== "bridge") return undefined;
  const settings = info.nest(rt.IFLA_INFO_DATA);
  if (settings?.bytes(rt.IFLA_BR_VLAN_PROTOCOL) === undefined) return "notInKernel";
  return settings.u8(rt.IFLA_BR_VLAN_FILTERING) === 1 ? "on" : "off";
}

/**
 * A request for the VLANs of all ports of all bridges; the kernel knows no smaller one that works in all its
 * versions (RTM_GETVLAN for one link did not end before 5.17).
 */
export function listVlansMessage(): Message {
  return {
    what: "list the VLANs of bridge ports",
    type: rt.RTM_GETLINK,
    flags: 0,
    body: (w) => {
      linkHeader(w, { family: rt.AF_BRIDGE });
      w.u32Attribute(rt.IFLA_EXT_MASK, rt.RTEXT_FILTER_BRVLAN_COMPRESSED);
    },
  };
}

/** The VLANs of each port, in the order of `ports`; none for a link that is no port. Throws SystemError. */
export function listPortVlans(socket: NetlinkSocket, ports: number[]): PortVlan[][] {
  const replies = socket.dump(listVlansMessage());
  return ports.map((port) =>
    replies.filter(({ payload }) => u32At(payload, 4) === port).flatMap(readPortVlans),
  );
}

/** Reads RTM_NEWLINK of family AF_BRIDGE. A range is two entries, its beginning and its end. */
function readPortVlans({ payload }: Reply): PortVlan[] {
  const list: PortVlan[] = [];
  let first: number | undefined;
  for (const [type, value] of listAttributes(
    readAttributes(payload, 16).bytes(rt.IFLA_AF_SPEC) ?? new Uint8Array(),
  )) {
    if (type !== rt.IFLA_BRIDGE_VLAN_INFO || value.length < 4) continue;
    const [flags, vlan] = [u16At(value, 0), u16At(value, 2)];
    if ((flags & rt.BRIDGE_VLAN_INFO_RANGE_BEGIN) !== 0) {
      first = vlan;
      continue;
    }
    const isEnd = (flags & rt.BRIDGE_VLAN_INFO_RANGE_END) !== 0;
    list.push({
      first: isEnd ? (first ?? vlan) : vlan,
      last: vlan,
      native: (flags & rt.BRIDGE_VLAN_INFO_PVID) !== 0,
      untagged: (flags & rt.BRIDGE_VLAN_INFO_UNTAGGED) !== 0,
    });
    first = undefined;
  }
  return list;
}
