// Rare settings of a link: the length of its queue, and the frames that it takes. (linux/if_link.h, if.h)

import { readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { u32At } from "../sys/bytes.ts";
import { getLinkMessage } from "./link.ts";

export interface LinkTuning {
  /** Packets; undefined: the length stays as it is. */
  txQueueLength: number | undefined;
  /** True: the link takes all frames. False: the setting stays as it is. */
  promiscuous: boolean;
  allMulticast: boolean;
}

/** Changes the given settings of a link. */
export function tuneLinkMessage(
  index: number,
  { txQueueLength, promiscuous, allMulticast }: LinkTuning,
): Message {
  const flags = (promiscuous ? rt.IFF_PROMISC : 0) | (allMulticast ? rt.IFF_ALLMULTI : 0);
  return {
    what: `set queue length, promiscuous or all-multicast mode of interface number ${index}`,
    type: rt.RTM_SETLINK,
    flags: 0,
    body: (w) => {
      // struct ifinfomsg, with the flags and the mask of the flags that change
      w.u8(rt.AF_UNSPEC).u8(0).u16(0).u32(index).u32(flags).u32(flags);
      if (txQueueLength !== undefined) w.u32Attribute(rt.IFLA_TXQLEN, txQueueLength);
    },
  };
}

/** The settings of the link of this name, and its index. Throws SystemError, ENODEV when there is none. */
export function getLinkTuning(socket: NetlinkSocket, name: string): LinkTuning & { index: number } {
  const [outcome] = socket.execute([getLinkMessage({ name })]);
  const payload = outcome?.replies[0]?.payload ?? new Uint8Array(16);
  const flags = u32At(payload, 8);
  return {
    index: u32At(payload, 4),
    txQueueLength: readAttributes(payload, 16).u32(rt.IFLA_TXQLEN),
    promiscuous: (flags & rt.IFF_PROMISC) !== 0,
    allMulticast: (flags & rt.IFF_ALLMULTI) !== 0,
  };
}
