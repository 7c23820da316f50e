// A link that changes its namespace. (net/core/rtnetlink.c, do_setlink; net/core/dev.c,
// dev_change_net_namespace)
import type { Message } from "../netlink/socket.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { linkHeader, macBytes } from "./link.ts";

/** Where a link goes, and what it is there. Absent fields stay as they are. */
export interface LinkMove {
  namespaceFd: number;
  /** The name in the new namespace, which must be free there. */
  name: string;
  mac?: string | undefined;
  mtu?: number | undefined;
  alias?: string | undefined;
}

/**
 * Moves the link with this index into another namespace. It is down there, without addresses and routes. All
 * of it is one request, which no kill can divide. Refused with EEXIST when the name is taken there.
 */
export function moveLinkMessage(
  index: number,
  { namespaceFd, name, mac, mtu, alias }: LinkMove,
  what: string,
): Message {
  return {
    what,
    type: rt.RTM_SETLINK,
    flags: 0,
    body: (w) => {
      linkHeader(w, { index, up: false });
      w.string(rt.IFLA_IFNAME, name).u32Attribute(rt.IFLA_NET_NS_FD, namespaceFd);
      if (mac !== undefined) w.attribute(rt.IFLA_ADDRESS, macBytes(mac));
      if (mtu !== undefined) w.u32Attribute(rt.IFLA_MTU, mtu);
      if (alias !== undefined) w.bareString(rt.IFLA_IFALIAS, alias);
    },
  };
}
