// Devices of the node, with what is needed to move one into another namespace and to give it back.
// (linux/rtnetlink.h, if_link.h; the order in which the kernel works through a request: do_setlink in
// net/core/rtnetlink.c)
import { macBytes } from "../ip/mac.ts";
import { listAttributes, readText } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { u32At } from "../sys/bytes.ts";
import { errnoOf } from "../sys/errno.ts";
import { formatMac, getLinkMessage, Link, type LinkName, linkHeader } from "./link.ts";

/** A link with what the kernel says of the hardware behind it. */
export class Device extends Link {
  get allMulticast(): boolean {
    return (u32At(this.payload, 8) & rt.IFF_ALLMULTI) !== 0;
  }

  /** Neighbours are asked for their MACs. */
  get arp(): boolean {
    return (u32At(this.payload, 8) & rt.IFF_NOARP) === 0;
  }

  /** Frames to groups are sent. */
  get multicast(): boolean {
    return (u32At(this.payload, 8) & rt.IFF_MULTICAST) !== 0;
  }

  /** The alternative names. */
  get altNames(): string[] {
    const names = this.attributes.bytes(rt.IFLA_PROP_LIST);
    if (names === undefined) return [];
    return listAttributes(names).flatMap(([type, value]) =>
      type === rt.IFLA_ALT_IFNAME ? readText(value) : [],
    );
  }

  /** Packets. */
  get txQueueLength(): number {
    return this.attributes.u32(rt.IFLA_TXQLEN) ?? 0;
  }

  /** The MAC that the hardware has; undefined for virtual devices. */
  get permanentMac(): string | undefined {
    return formatMac(this.attributes.bytes(rt.IFLA_PERM_ADDRESS)) || undefined;
  }

  /** The bus and the place on it, as in `pci/0000:00:03.0`; undefined for virtual devices. */
  get busPath(): string | undefined {
    const bus = this.attributes.string(rt.IFLA_PARENT_DEV_BUS_NAME);
    const place = this.attributes.string(rt.IFLA_PARENT_DEV_NAME);
    return bus === undefined || place === undefined ? undefined : `${bus}/${place}`;
  }
}

/** The device, or undefined when there is none. Throws SystemError for any other refusal. */
export function getDevice(socket: NetlinkSocket, which: LinkName): Device | undefined {
  const [outcome] = socket.transact([getLinkMessage(which)]);
  if (outcome?.error !== undefined && outcome.errno !== errnoOf("ENODEV")) throw outcome.error;
  const reply = outcome?.replies[0];
  return reply && new Device(reply);
}

/** All links of the namespace. Throws SystemError. */
export function listDevices(socket: NetlinkSocket): Device[] {
  const message: Message = {
    what: "list all interfaces",
    type: rt.RTM_GETLINK,
    flags: 0,
    body: (w) => {
      linkHeader(w);
      w.u32Attribute(rt.IFLA_EXT_MASK, rt.RTEXT_FILTER_SKIP_STATS);
    },
  };
  return socket.dump(message).map((reply) => new Device(reply));
}

/** The packets that wait at most for a new veth end (DEFAULT_TX_QUEUE_LEN, include/net/pkt_sched.h). */
export const VETH_QUEUE_LENGTH = 1000;

/** The changes to a device; absent fields stay as they are. */
export interface DeviceChange {
  /** The device moves into the namespace of this descriptor, which takes it down. */
  namespaceFd?: number | undefined;
  name?: string | undefined;
  mac?: string | undefined;
  /** Bytes. */
  mtu?: number | undefined;
  alias?: string | undefined;
  txQueueLength?: number | undefined;
  /** The link group. */
  group?: number | undefined;
  flags?: DeviceFlags | undefined;
}

/** The flags that a person sets. Those that are undefined stay as they are. */
export interface DeviceFlags {
  up: boolean;
  promiscuous: boolean;
  allMulticast: boolean;
  arp?: boolean | undefined;
  multicast?: boolean | undefined;
}

/** The flags as the kernel has them: those that are set, of those that the mask names. */
function flagBits({ up, promiscuous, allMulticast, arp, multicast }: DeviceFlags): {
  bits: number;
  mask: number;
} {
  const known = [
    [rt.IFF_UP, up],
    [rt.IFF_PROMISC, promiscuous],
    [rt.IFF_ALLMULTI, allMulticast],
    [rt.IFF_NOARP, arp === undefined ? undefined : !arp],
    [rt.IFF_MULTICAST, multicast],
  ] as const;
  let [bits, mask] = [0, 0];
  for (const [bit, isSet] of known) {
    if (isSet !== undefined) mask |= bit;
    if (isSet === true) bits |= bit;
  }
  return { bits, mask };
}

/**
 * Changes a device by one request, which the kernel works through in this order: namespace, MAC, MTU, name,
 * alias, flags. Refused with EEXIST when the name is taken where the device goes to; it may have moved then.
 */
export function changeDeviceMessage(index: number, change: DeviceChange, what: string): Message {
  const { namespaceFd, name, mac, mtu, alias, txQueueLength, group, flags } = change;
  return {
    what,
    type: rt.RTM_SETLINK,
    flags: 0,
    body: (w) => {
      const { bits, mask } = flags === undefined ? { bits: 0, mask: 0 } : flagBits(flags);
      // struct ifinfomsg
      w.u8(rt.AF_UNSPEC).u8(0).u16(0).u32(index).u32(bits).u32(mask);
      if (namespaceFd !== undefined) w.u32Attribute(rt.IFLA_NET_NS_FD, namespaceFd);
      if (name !== undefined) w.string(rt.IFLA_IFNAME, name);
      if (mac !== undefined) w.attribute(rt.IFLA_ADDRESS, macBytes(mac));
      if (mtu !== undefined) w.u32Attribute(rt.IFLA_MTU, mtu);
      if (alias !== undefined) w.bareString(rt.IFLA_IFALIAS, alias);
      if (txQueueLength !== undefined) w.u32Attribute(rt.IFLA_TXQLEN, txQueueLength);
      if (group !== undefined) w.u32Attribute(rt.IFLA_GROUP, group);
    },
  };
}
