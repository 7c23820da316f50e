// The numbers by which a network namespace knows others. (linux/net_namespace.h)
import { readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";

/** Bytes of struct rtgenmsg, with its padding. */
const HEADER = 4;

/**
 * The number by which the socket's namespace knows each of these, by an open descriptor; undefined for one
 * that it has no number for, so that none of its links has its other end there. A descriptor of another kind
 * has none. Throws SystemError when the socket fails.
 */
export function namespaceIds(socket: NetlinkSocket, fds: readonly number[]): (number | undefined)[] {
  return socket.transact(fds.map(askFor)).map(({ replies: [reply] }) => {
    if (reply === undefined) return undefined;
    const id = readAttributes(reply.payload, HEADER).u32(rt.NETNSA_NSID);
    return id === undefined || (id | 0) === rt.NETNSA_NSID_NOT_ASSIGNED ? undefined : id;
  });
}

function askFor(fd: number): Message {
  return {
    what: "ask for the number of a namespace",
    type: rt.RTM_GETNSID,
    flags: 0,
    body: (w) => {
      w.u8(rt.AF_UNSPEC).u8(0).u16(0).u32Attribute(rt.NETNSA_FD, fd);
    },
  };
}
