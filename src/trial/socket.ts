// Sockets of measurements: ICMP echo and TCP, in whichever namespace they are opened.
import type { Address, Family } from "../ip/address.ts";
import {
  ECHO,
  echoRequest,
  ICMP,
  openSocket,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_STREAM,
  socketAddress,
} from "../net/internet-socket.ts";
import { u32Bytes } from "../sys/bytes.ts";
import { monotonicMs } from "../sys/clock.ts";
import { check, errnoName, isErrno, SystemError } from "../sys/errno.ts";
import type { FileHandle } from "../sys/file.ts";
import { native } from "../sys/native.ts";
import { randomBytes } from "../sys/random.ts";
import { POLLIN, waitFor } from "../sys/stream.ts";
import { endIfInterrupted } from "./end.ts";

// bits/socket.h, linux/in.h, linux/in6.h
const MSG_DONTWAIT = 0x40;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const IP_MTU_DISCOVER = 10;
const IPV6_MTU_DISCOVER = 23;
const IPV6_V6ONLY = 26;
const IPV6_DONTFRAG = 62;
/** Don't Fragment is set, and no path MTU that was learned counts. */
const PMTUDISC_PROBE = 3;

/** The bytes of headers in front of what an echo carries: IP without options, ICMP. */
const HEADERS: { readonly [Each in Family]: number } = { 4: 28, 6: 48 };

/** An echo to send. */
export interface Echo {
  to: Address;
  /** The length of the whole packet in bytes, which then may not be divided; undefined: a short one. */
  size?: number;
  /** Echoes that are sent, a second apart, until one is answered. */
  tries: number;
}

/** The answer to an echo: undefined when one came, else the reason as words. */
export type Silence = string | undefined;

const WAIT_MS = 1_000;
const SHORTEST = 64;

/**
 * Sends echoes from the namespace of this thread until one is answered. Throws SystemError, and CniError
 * where a signal asks for the end.
 */
export function ping({ to, size, tries }: Echo): Silence {
  const { family } = to;
  using socket = openSocket(family, { kind: SOCK_RAW, protocol: ICMP[family] }, "open a socket for ICMP");
  if (size !== undefined) forbidFragments(socket, family);
  const connected = native.connect(socket.fd, socketAddress(to, 0));
  if (connected < 0) return reasonOf(-connected);
  const mark = randomBytes(4);
  const packet = echoRequest(family, mark, (size ?? SHORTEST) - HEADERS[family]);
  let reason = "no answer";
  for (let sent = 0; sent < tries; sent++) {
    endIfInterrupted();
    const result = native.send(socket.fd, packet, 0);
    if (result < 0) reason = reasonOf(-result);
    if (isAnswered(socket, family, mark)) return undefined;
  }
  return reason;
}

/** A TCP socket that waits for connections in the namespace of this thread. Throws SystemError. */
export function listen(family: Family, port: number): FileHandle {
  const any = { family, value: 0n };
  const socket = streamSocket(family);
  try {
    if (family === 6) setOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    check(native.bind(socket.fd, socketAddress(any, port)), `bind port ${port}`);
    check(native.listen(socket.fd, 1), `listen on port ${port}`);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Begins a connection from the namespace of this thread, and does not wait for it. Throws SystemError. */
export function beginConnection(to: Address, port: number): FileHandle {
  const socket = streamSocket(to.family);
  // EINPROGRESS and every refusal: whether the connection comes to be shows at the other end.
  native.connect(socket.fd, socketAddress(to, port));
  return socket;
}

/** True when a connection comes to a socket that listens, within `ms`. */
export function isReached(listener: FileHandle, ms: number): boolean {
  waitFor(listener.fd, POLLIN, ms);
  const accepted = native.accept(listener.fd);
  if (accepted < 0) return false;
  native.close(accepted);
  return true;
}

function streamSocket(family: Family): FileHandle {
  return openSocket(family, { kind: SOCK_STREAM | SOCK_NONBLOCK }, "open a socket for TCP");
}

function forbidFragments(socket: FileHandle, family: Family): void {
  if (family === 4) return setOption(socket, IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE);
  setOption(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE);
  setOption(socket, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
}

// biome-ignore lint/complexity/useMaxParams: these are the parts of setsockopt(2).
function setOption({ fd }: FileHandle, level: number, option: number, value: number): void {
  check(native.setsockopt(fd, level, option, u32Bytes(value)), `set option ${option} of a socket`);
}

/** True when the answer to the echo with this mark comes in time. Other packets are passed over. */
function isAnswered(socket: FileHandle, family: Family, mark: Uint8Array): boolean {
  const buffer = new Uint8Array(0x10000);
  const end = monotonicMs() + WAIT_MS;
  for (let left = WAIT_MS; left > 0; left = end - monotonicMs()) {
    waitFor(socket.fd, POLLIN, Math.ceil(left));
    const count = native.recv(socket.fd, buffer, MSG_DONTWAIT);
    if (count < 0) continue;
    // A raw socket of IPv4 gives the IP header too, whose length is in its first byte in words.
    const start = family === 4 ? ((buffer[0] ?? 0) & 0xf) * 4 : 0;
    const isAnswer = buffer[start] === ECHO[family].answers;
    if (isAnswer && mark.every((byte, at) => buffer[start + 4 + at] === byte)) return true;
  }
  return false;
}

function reasonOf(errno: number): string {
  const error = new SystemError("send", errno);
  if (isErrno(error, "ENETUNREACH", "EHOSTUNREACH")) return "there is no route";
  return isErrno(error, "EMSGSIZE") ? "the packet is too large for the way" : errnoName(errno);
}
