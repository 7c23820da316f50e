// Entries of a bridge's forwarding table. (linux/neighbour.h; the requests are those of iproute2's
// `bridge fdb`)

import { macBytes } from "../ip/mac.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_REPLACE } from "../netlink/uapi/netlink.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import type { Writer } from "../netlink/writer.ts";
import { u16At, u32At } from "../sys/bytes.ts";
import { isErrno } from "../sys/errno.ts";

/** A MAC behind a bridge port. */
export interface PortMac {
  /** The index of the port. */
  port: number;
  mac: string;
}

/**
 * Makes the bridge know that the MAC is behind the port, in every VLAN of the port: the entry does not grow
 * old, and no frame on another port moves it (static, sticky). It goes with the port. An entry that the
 * bridge has for the MAC is replaced. Frames to a permanent entry would go to the node itself.
 */
export function addMacMessage({ port, mac }: PortMac): Message {
  return {
    what: `tell the bridge of ${mac}`,
    type: rt.RTM_NEWNEIGH,
    flags: NLM_F_CREATE | NLM_F_REPLACE,
    body: (w) => {
      neighbourHeader(w, { port, state: rt.NUD_NOARP, flags: rt.NTF_MASTER | rt.NTF_STICKY });
      w.attribute(rt.NDA_LLADDR, macBytes(mac));
    },
  };
}

/**
 * True when the bridge of the port has the entry that {@link addMacMessage} makes, in the VLAN (0: without
 * VLANs). Throws SystemError.
 */
export function knowsMac(socket: NetlinkSocket, { port, mac }: PortMac, vlan: number): boolean {
  const [outcome] = socket.transact([getMacMessage({ port, mac }, vlan)]);
  if (outcome?.error !== undefined && !isErrno(outcome.error, "ENOENT")) throw outcome.error;
  const reply = outcome?.replies[0];
  if (reply === undefined) return false;
  const { payload } = reply;
  const isStatic = (u16At(payload, 8) & rt.NUD_NOARP) !== 0;
  const isSticky = ((payload[10] ?? 0) & rt.NTF_STICKY) !== 0;
  return u32At(payload, 4) === port && isStatic && isSticky;
}

function getMacMessage({ port, mac }: PortMac, vlan: number): Message {
  return {
    what: `ask the bridge for ${mac}`,
    type: rt.RTM_GETNEIGH,
    flags: 0,
    body: (w) => {
      neighbourHeader(w, { port, state: 0, flags: rt.NTF_MASTER });
      w.attribute(rt.NDA_LLADDR, macBytes(mac));
      if (vlan !== 0) w.attribute(rt.NDA_VLAN, Uint8Array.of(vlan & 0xff, vlan >> 8));
    },
  };
}

/** Writes struct ndmsg. */
function neighbourHeader(w: Writer, fields: { port: number; state: number; flags: number }): void {
  w.u8(rt.AF_BRIDGE).u8(0).u16(0).u32(fields.port).u16(fields.state).u8(fields.flags).u8(0);
}
