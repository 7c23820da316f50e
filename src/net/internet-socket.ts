// Sockets of the Internet protocols as the kernel is asked for them: their numbers, the addresses of
// their ends, and the packet of an echo. (bits/socket.h, linux/in.h, linux/in6.h)
import { type Address, addressBytes, type Family } from "../ip/address.ts";
import { AF_INET, AF_INET6 } from "../netlink/uapi/rtnetlink.ts";
import { be16At } from "../sys/bytes.ts";
import { check } from "../sys/errno.ts";
import { FileHandle } from "../sys/file.ts";
import { native } from "../sys/native.ts";

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;

const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
const IPPROTO_ICMPV6 = 58;

/** The protocol of echoes of each family. */
export const ICMP: { readonly [Each in Family]: number } = { 4: IPPROTO_ICMP, 6: IPPROTO_ICMPV6 };

/** Types of an echo and its answer (RFC 792, RFC 4443). */
export const ECHO: { readonly [Each in Family]: { asks: number; answers: number } } = {
  4: { asks: 8, answers: 0 },
  6: { asks: 128, answers: 129 },
};

/** The bytes of an echo's header. */
const ECHO_HEADER = 8;

/** Opens a socket in the namespace of this thread; `what` names it in errors. Throws SystemError. */
export function openSocket(
  family: Family,
  { kind, protocol = 0 }: { kind: number; protocol?: number },
  what: string,
): FileHandle {
  return new FileHandle(check(native.socket(family === 4 ? AF_INET : AF_INET6, kind, protocol), what));
}

/** Struct sockaddr_in, struct sockaddr_in6. */
export function socketAddress(address: Address, port: number): Uint8Array {
  const bytes = new Uint8Array(address.family === 4 ? 16 : 28);
  bytes.set([address.family === 4 ? AF_INET : AF_INET6, 0, port >>> 8, port]);
  bytes.set(addressBytes(address), address.family === 4 ? 4 : 8);
  return bytes;
}

/**
 * An echo request with four bytes that mark it, which carries so many zeros. The checksum (RFC 1071) of
 * ICMPv6 is the kernel's work.
 */
export function echoRequest(family: Family, mark: Uint8Array, carried = 0): Uint8Array {
  const packet = new Uint8Array(ECHO_HEADER + carried);
  packet[0] = ECHO[family].asks;
  packet.set(mark, 4);
  if (family === 6) return packet;
  let sum = 0;
  for (let at = 0; at < ECHO_HEADER; at += 2) sum += be16At(packet, at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.set([~sum >>> 8, ~sum], 2);
  return packet;
}
