// Listening sockets of the node, as `ss -ltu` shows them, by port where only one is wanted.
// (linux/inet_diag.h)
import { type Address, addressFromBytes, type Family } from "../ip/address.ts";
import { type Reply, readAttributes } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { INET_DIAG_SKV6ONLY, SOCK_DIAG_BY_FAMILY } from "../netlink/uapi/sock_diag.ts";
import { be16At, u32At } from "../sys/bytes.ts";
import { isErrno } from "../sys/errno.ts";
import { familyNumber } from "./address.ts";

export interface Listener {
  /** The address of the socket; a value of 0 stands for all addresses of the family. */
  address: Address;
  port: number;
  /** True: the socket listens on all IPv6 addresses and takes IPv4 too. */
  isForBoth: boolean;
  /** The inode of the socket, by which /proc shows the processes that have it open. */
  inode: number;
}

/**
 * Numbers of states (net/tcp_states.h): a socket of TCP or SCTP listens; a socket of UDP that is in this
 * state is not connected.
 */
const TCP_CLOSE = 7;
const TCP_LISTEN = 10;
const UDP = 17;

/** Length of struct inet_diag_msg, and the places of port and address in it. */
const DIAG_MSG = 72;
const DIAG_PORT = 4;
const DIAG_ADDRESS = 8;
const DIAG_INODE = 68;

/**
 * The listeners of a protocol (IPPROTO_…), on one port or, with 0, on all. The kernel walks its listeners
 * alone, not the connections. None where the kernel cannot say (no inet_diag for the protocol). `socket` is
 * one of NETLINK_SOCK_DIAG. Throws SystemError.
 */
export function listListeners(socket: NetlinkSocket, protocol: number, port: number): Listener[] {
  const listeners: Listener[] = [];
  for (const family of [4, 6] as const) {
    try {
      for (const reply of socket.dump(listMessage(family, protocol, port))) {
        const listener = readListener(reply, family);
        if (listener !== undefined) listeners.push(listener);
      }
    } catch (error) {
      if (!isErrno(error, "ENOENT", "EOPNOTSUPP", "EINVAL")) throw error;
    }
  }
  return listeners;
}

/**
 * struct inet_diag_req_v2 with its struct inet_diag_sockid: ports in network order, addresses, interface,
 * cookie.
 */
function listMessage(family: Family, protocol: number, port: number) {
  const state = protocol === UDP ? TCP_CLOSE : TCP_LISTEN;
  return {
    what: "list listening sockets",
    type: SOCK_DIAG_BY_FAMILY,
    flags: 0,
    body: (w: {
      u8(value: number): unknown;
      u32(value: number): unknown;
      bytes(value: Uint8Array): unknown;
    }) => {
      for (const byte of [familyNumber(family), protocol, 0, 0]) w.u8(byte);
      w.u32(1 << state);
      for (const byte of [port >>> 8, port & 0xff, 0, 0]) w.u8(byte);
      w.bytes(new Uint8Array(16 + 16 + 4));
      // INET_DIAG_NOCOOKIE
      w.u32(0xffffffff);
      w.u32(0xffffffff);
    },
  };
}

/** Reads struct inet_diag_msg; undefined for an answer that is too short for it. */
function readListener({ payload }: Reply, family: Family): Listener | undefined {
  if (payload.length < DIAG_MSG) return undefined;
  const bytes = addressFromBytes(payload.subarray(DIAG_ADDRESS, DIAG_ADDRESS + (family === 4 ? 4 : 16)));
  const isMapped = family === 6 && bytes.value >> 32n === 0xffffn;
  return {
    address: isMapped ? { family: 4, value: bytes.value & 0xffffffffn } : bytes,
    port: be16At(payload, DIAG_PORT),
    isForBoth:
      family === 6 && bytes.value === 0n && readAttributes(payload, DIAG_MSG).u8(INET_DIAG_SKV6ONLY) !== 1,
    inode: u32At(payload, DIAG_INODE),
  };
}
