// One packet from inside a pod, followed through the rules of the node, and whether somebody answers it.
import type { Address } from "../ip/address.ts";
import {
  echoRequest,
  ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  openSocket,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_STREAM,
  socketAddress,
} from "../net/internet-socket.ts";
import { followPacket, type TraceEvent } from "../nft/packet-trace.ts";
import { u32At } from "../sys/bytes.ts";
import { check, errnoOf, isErrno, type SystemError } from "../sys/errno.ts";
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
  /** The pod's own kernel refused to send the packet. */
  refusal: SystemError | undefined;
  /** The rules of nftables that the packet met. The legacy variant of iptables tells nothing. */
  events: TraceEvent[];
}

/** The mark of the echo. Any answer of the destination counts, so nobody compares it. */
const MARK = Uint8Array.of(0x50, 0x54, 0, 1);

/** The longest wait for an answer, in milliseconds. */
const ANSWER_MS = 1_000;

// asm-generic/socket.h
const SOL_SOCKET = 1;
const SO_ERROR = 4;

/** The errors by which a kernel refuses a packet: by its rules and routes, or since a link is down. */
const REFUSALS = [
  "EPERM",
  "EACCES",
  "EINVAL",
  "EADDRNOTAVAIL",
  "ENETDOWN",
  "ENETUNREACH",
  "EHOSTUNREACH",
] as const;

/** Sends the packet and waits for its answer, a second at most. Throws SystemError. */
export function probe(pod: Pod, wanted: Probe): Probed {
  let answer: ProbeAnswer = "nothing";
  let refusal: SystemError | undefined;
  const protocol = protocolOf(wanted);
  const { source, destination, port, isBridged } = wanted;
  const events = followPacket({ source, destination, protocol, port, isBridged }, () => {
    try {
      answer = send(pod, wanted, protocol);
    } catch (error) {
      if (!isErrno(error, ...REFUSALS)) throw error;
      refusal = error as SystemError;
    }
  });
  return { answer, refusal, events };
}

function protocolOf({ port, protocol, source }: Probe): number {
  if (port === undefined) return ICMP[source.family];
  return protocol === "tcp" ? IPPROTO_TCP : IPPROTO_UDP;
}

function send(pod: Pod, { source, destination, port }: Probe, protocol: number): ProbeAnswer {
  const kind = port === undefined ? SOCK_RAW : protocol === IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
  const what = "send a packet from the pod";
  using socket = pod.inside(() => openSocket(source.family, { kind: kind | SOCK_NONBLOCK, protocol }, what));
  check(native.bind(socket.fd, socketAddress(source, 0)), `${what}'s address`);
  const begun = native.connect(socket.fd, socketAddress(destination, port ?? 0));
  if (begun !== -errnoOf("EINPROGRESS")) check(begun, what);
  if (kind === SOCK_STREAM) {
    if (!waitFor(socket.fd, POLLOUT, ANSWER_MS)) return "nothing";
    const error = errorOf(socket.fd);
    return error === 0 ? "answered" : refusalOf(error);
  }
  check(
    native.send(socket.fd, port === undefined ? echoRequest(source.family, MARK) : Uint8Array.of(0), 0),
    what,
  );
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
