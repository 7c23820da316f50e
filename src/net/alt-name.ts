// Alternative names of links (`ip link property`): a namespace has each name of any link once.
// (linux/rtnetlink.h, rtnl_linkprop in net/core/rtnetlink.c)
import type { Message } from "../netlink/socket.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { linkHeader } from "./link.ts";

/** Gives a link an alternative name. Refused with EEXIST when a link of the namespace has that name. */
export function giveAltNameMessage(index: number, name: string): Message {
  return altNameMessage(rt.RTM_NEWLINKPROP, index, name);
}

/** Takes an alternative name off a link. Refused with ENOENT when the namespace does not have it. */
export function takeAltNameMessage(index: number, name: string): Message {
  return altNameMessage(rt.RTM_DELLINKPROP, index, name);
}

function altNameMessage(type: number, index: number, name: string): Message {
  return {
    what: `change the alternative name ${JSON.stringify(name)}`,
    type,
    flags: 0,
    body: (w) => {
      linkHeader(w, { index });
      w.nest(rt.IFLA_PROP_LIST, () => w.string(rt.IFLA_ALT_IFNAME, name));
    },
  };
}
