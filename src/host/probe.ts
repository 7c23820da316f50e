// One packet from inside a pod, followed through the rules of the node, and whether somebody answers it.
import { type Address, addressBytes } from "../ip/address.ts";
import { AF_INET, AF_INET6 } from "../netlink/uapi/rtnetlink.ts";
import { followPacket, type TraceEvent } from "../nft/packet-trace.ts";
import { u32At } from "../sys/bytes.ts";
import { check, errnoOf } from "../sys/errno.ts";
import { FileHandle } from "../sys/file.ts";
import { native } from "../sys/native.ts";
import { POLLIN, POLLOUT, waitFor } from "../sys/stream.ts";
import type { Pod } from "./pod.ts";

/** The packet of a probe. */
export interface Probe {
  source: Address;
  destination: Address;
  /** Undefined: an echo request of ICMP. */
  port: number | undefined;
  protocol: "tcp" | "udp";
  isBridged: boolean;
}

/** `refused`: the destination was reached, and nobody listens there. */
export type ProbeAnswer = "answered" | "refused" | "nothing";

/** The outcome of a probe. */
export interface Probed {
  answer: ProbeAnswer;
  /** The rules of nftables that the packet met. The legacy variant of iptables tells nothing. */
  events: TraceEvent[];
}

/** The longest wait for an answer, in milliseconds. */
const ANSWER_MS = 1_000;

// linux/in.h, linux/in6.h, linux/socket.h
const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IPPROTO_ICMPV6 = 58;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;

/** Sends the packet and waits for its answer, a second at most. Throws SystemError. */
export function probe(pod: Pod, wanted: Probe): Probed {
  let answer: ProbeAnswer = "nothing";
  const protocol = protocolOf(wanted);
  const { source, destination, port, isBridged } = wanted;
  const events = followPacket({ source, destination, protocol, port, isBridged }, () => {
    answer = send(pod, wanted, protocol);
  });
  return { answer, events };
}

function protocolOf({ port, protocol, source }: Probe): number {
  if (port === undefined) return source.family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  return protocol === "tcp" ? IPPROTO_TCP : IPPROTO_UDP;
}

function send(pod: Pod, { source, destination, port }: Probe, protocol: number): ProbeAnswer {
  const kind = port === undefined ? SOCK_RAW : protocol === IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
  const family = source.family === 4 ? AF_INET : AF_INET6;
  const what = "send a packet from the pod";
  using socket = new FileHandle(
    check(
      pod.inside(() => native.socket(family, kind | SOCK_NONBLOCK, protocol)),
      what,
    ),
  );
  check(native.bind(socket.fd, socketAddress(source, 0)), `${what}'s address`);
  const begun = native.connect(socket.fd, socketAddress(destination, port ?? 0));
  if (begun !== -errnoOf("EINPROGRESS")) check(begun, what);
  if (kind === SOCK_STREAM) {
    if (!waitFor(socket.fd, POLLOUT, ANSWER_MS)) return "nothing";
    const error = errorOf(socket.fd);
    return error === 0 ? "answered" : refusalOf(error);
  }
  check(native.send(socket.fd, port === undefined ? echoRequest(source.family) : Uint8Array.of(0), 0), what);
  if (!waitFor(socket.fd, POLLIN, ANSWER_MS)) return "nothing";
  const received = native.recv(socket.fd, new Uint8Array(2048), 0);
  return received >= 0 ? "answered" : refusalOf(-received);
}

/** The error of a connection that did not come about; 0: it did. */
function errorOf(fd: number): number {
  const value = new Uint8Array(4);
  check(native.getsockopt(fd, SOL_SOCKET, SO_ERROR, value), "ask for the error of a connection");
  return u32At(value, 0);
}

function refusalOf(errno: number): ProbeAnswer {
  return errno === errnoOf("ECONNREFUSED") ? "refused" : "nothing";
}

/** Struct sockaddr_in, struct sockaddr_in6. */
function socketAddress(address: Address, port: number): Uint8Array {
  const bytes = new Uint8Array(address.family === 4 ? 16 : 28);
  bytes[0] = address.family === 4 ? AF_INET : AF_INET6;
  bytes[2] = port >>> 8;
  bytes[3] = port & 0xff;
  bytes.set(addressBytes(address), address.family === 4 ? 4 : 8);
  return bytes;
}

/** An echo request with its checksum (RFC 792, RFC 1071); that of ICMPv6 is the kernel's work. */
function echoRequest(family: 4 | 6): Uint8Array {
  const bytes = Uint8Array.of(family === 4 ? 8 : 128, 0, 0, 0, 0x50, 0x54, 0, 1);
  if (family === 6) return bytes;
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
  const folded = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
  bytes[2] = folded >>> 8;
  bytes[3] = folded & 0xff;
  return bytes;
}
