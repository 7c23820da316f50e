// Links of a kind, and links that are deleted together. (linux/if_link.h, net/core/rtnetlink.c)

import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { isErrno } from "../sys/errno.ts";
import { Link, linkHeader, writeNewLink } from "./link.ts";

/**
 * Makes an intermediate functional block (ifb), down: packets that are redirected to it pass its output
 * queue. Refused with EEXIST when the name is taken.
 */
export function createIfbMessage({ name, mac, mtu }: { name: string; mac: string; mtu: number }): Message {
  return {
    what: `create ifb ${name}`,
    type: rt.RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: (w) => {
      linkHeader(w);
      writeNewLink(w, { name, mac }, mtu);
      w.nest(rt.IFLA_LINKINFO, () => w.string(rt.IFLA_INFO_KIND, "ifb"));
    },
  };
}

/** All links of a kind. Throws SystemError. */
export function listLinks(socket: NetlinkSocket, kind: string): Link[] {
  const message: Message = {
    what: `list the links of kind ${kind}`,
    type: rt.RTM_GETLINK,
    flags: 0,
    body: (w) => {
      linkHeader(w);
      w.nest(rt.IFLA_LINKINFO, () => w.string(rt.IFLA_INFO_KIND, kind)).u32Attribute(
        rt.IFLA_EXT_MASK,
        rt.RTEXT_FILTER_SKIP_STATS,
      );
    },
  };
  // A kernel that does not know the kind ignores the filter and gives all links.
  return socket
    .dump(message)
    .map((reply) => new Link(reply))
    .filter((link) => link.kind === kind);
}

/**
 * Deletes the links of these names, and tells for each whether it was there. Separate deletions would each
 * wait for the kernel's grace periods; one request by group waits once. `group` is set here, a moment before:
 * no other link may have it. Throws SystemError.
 */
export function deleteTogether(socket: NetlinkSocket, names: string[], group: number): boolean[] {
  const outcomes = socket.transact([
    ...names.map((name) => groupMessage(name, group)),
    deleteGroupMessage(group),
  ]);
  for (const { error } of outcomes) if (error !== undefined && !isErrno(error, "ENODEV")) throw error;
  return names.map((_, at) => outcomes[at]?.error === undefined);
}

function groupMessage(name: string, group: number): Message {
  return {
    what: `put interface ${name} into group ${group}`,
    type: rt.RTM_SETLINK,
    flags: 0,
    body: (w) => {
      linkHeader(w);
      w.string(rt.IFLA_IFNAME, name).u32Attribute(rt.IFLA_GROUP, group);
    },
  };
}

function deleteGroupMessage(group: number): Message {
  return {
    what: `delete the interfaces of group ${group}`,
    type: rt.RTM_DELLINK,
    flags: 0,
    body: (w) => {
      linkHeader(w);
      w.u32Attribute(rt.IFLA_GROUP, group);
    },
  };
}
