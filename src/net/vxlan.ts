// VXLAN devices (RFC 7348): frames in UDP packets to other nodes. The device learns nothing from packets; it
// knows each node by an entry of its forwarding table. (linux/if_link.h, drivers/net/vxlan; the requests are
// those of iproute2)
import { type Address, addressBytes, addressFromBytes, formatAddress } from "../ip/address.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { be16At } from "../sys/bytes.ts";
import { isErrno } from "../sys/errno.ts";
import { getLinkMessage, Link, type LinkName, linkHeader, writeNewLink } from "./link.ts";

/** What cannot be changed in a VXLAN device once it is there. */
export interface VxlanSettings {
  vni: number;
  /** The UDP port, here and at all peers. */
  port: number;
  /** The node's address in the outer packets. */
  local: Address;
}

/** A VXLAN device to make. */
export interface NewVxlan extends VxlanSettings {
  name: string;
  mac: string;
  mtu: number;
}

/** The bytes around a frame: Ethernet inside, VXLAN, UDP and the outer IP header. */
export const VXLAN_OVERHEAD = { 4: 50, 6: 70 } as const;

/** A VXLAN device as the kernel shows it. */
export class VxlanLink extends Link {
  /** Undefined where the kernel does not tell all of them. */
  get settings(): VxlanSettings | undefined {
    const data = this.attributes.nest(rt.IFLA_LINKINFO)?.nest(rt.IFLA_INFO_DATA);
    const vni = data?.u32(rt.IFLA_VXLAN_ID);
    const port = data?.bytes(rt.IFLA_VXLAN_PORT);
    const local = data?.addressBytes(rt.IFLA_VXLAN_LOCAL) ?? data?.addressBytes(rt.IFLA_VXLAN_LOCAL6);
    if (vni === undefined || port === undefined || local === undefined) return undefined;
    return { vni, port: be16At(port, 0), local: addressFromBytes(local) };
  }

  /** True for a device that learns addresses from packets. */
  get learns(): boolean {
    const data = this.attributes.nest(rt.IFLA_LINKINFO)?.nest(rt.IFLA_INFO_DATA);
    return data?.u8(rt.IFLA_VXLAN_LEARNING) !== 0;
  }
}

/**
 * Makes a VXLAN device, down. Refused with EEXIST when the name is taken, or when the node has a device with
 * this number and port.
 */
export function createVxlanMessage({ name, mac, mtu, vni, port, local }: NewVxlan): Message {
  return {
    what: `create VXLAN device ${name} with number ${vni} at ${formatAddress(local)}`,
    type: rt.RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: (w) => {
      linkHeader(w);
      writeNewLink(w, { name, mac }, mtu);
      w.nest(rt.IFLA_LINKINFO, () => {
        w.string(rt.IFLA_INFO_KIND, "vxlan");
        w.nest(rt.IFLA_INFO_DATA, () =>
          w
            .u32Attribute(rt.IFLA_VXLAN_ID, vni)
            .attribute(local.family === 4 ? rt.IFLA_VXLAN_LOCAL : rt.IFLA_VXLAN_LOCAL6, addressBytes(local))
            .u8Attribute(rt.IFLA_VXLAN_LEARNING, 0)
            .attribute(rt.IFLA_VXLAN_PORT, Uint8Array.of(port >> 8, port)),
        );
      });
    },
  };
}

/** The link of that name or number as a VXLAN device; undefined when there is none. Throws SystemError. */
export function getVxlan(socket: NetlinkSocket, which: LinkName): VxlanLink | undefined {
  const [outcome] = socket.transact([getLinkMessage(which)]);
  if (outcome?.error !== undefined && !isErrno(outcome.error, "ENODEV")) throw outcome.error;
  const reply = outcome?.replies[0];
  return reply && new VxlanLink(reply);
}
