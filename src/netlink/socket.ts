// A netlink socket: sends requests, gathers the kernel's answers, turns refusals into SystemError with the
// kernel's text. It stays in the namespace that it was opened in, wherever the thread goes after.

import { u32At, u32Bytes } from "../sys/bytes.ts";
import { monotonicMs } from "../sys/clock.ts";
import { check, errnoName, errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { native } from "../sys/native.ts";
import { POLLIN, waitFor } from "../sys/stream.ts";
import { Outcome, readError } from "./outcome.ts";
import { type Reply, readMessages } from "./reader.ts";
import * as nl from "./uapi/netlink.ts";
import { Writer } from "./writer.ts";

/** One request: its operation in words, its type and flags, and the payload after the header. */
export interface Message {
  what: string;
  type: number;
  flags: number;
  body: (writer: Writer) => void;
}

/** Somebody who is told of each request and of its end: `ok`, or the name of the error. */
export type Listener = (request: string, end: string) => void;

let listener: Listener | undefined;

/** From now on `hear` is told of each request of this process. */
export function listen(hear: Listener): void {
  listener = hear;
}

const TIMEOUT_MS = 10_000;
const DUMP_ATTEMPTS = 8;
/**
 * The most messages at once: so many requests and their answers, a refusal for each at worst, fit into the
 * buffers of a socket, 208 kB each way; an answer counts as about 0.8 kB.
 */
const MOST_AT_ONCE = 200;

/** Bytes that every socket may send at once: the default is 208 kB, less the kernel's own share. */
const LEAST_SEND_BUFFER = 128 * 1024;

/**
 * The buffer of all sockets: bytes are copied out of it at once. The kernel never makes a message of a list
 * longer than 32 KiB.
 */
const buffer = new Uint8Array(32 * 1024);

export class NetlinkSocket implements Disposable {
  private readonly fd: number;
  private readonly protocol: number;
  private sequence = 1;
  private open = true;
  private cookie: string | undefined;

  private constructor(fd: number, protocol: number) {
    this.fd = fd;
    this.protocol = protocol;
  }

  /**
   * Opens a socket of `protocol` (NETLINK_ROUTE, NETLINK_NETFILTER) in this thread's namespace, listening to
   * `groups` (RTNLGRP_…). Throws SystemError.
   */
  static open(protocol: number, groups: number[] = []): NetlinkSocket {
    const socket = new NetlinkSocket(
      check(native.socket(nl.AF_NETLINK, nl.SOCK_RAW, protocol), "open a netlink socket"),
      protocol,
    );
    try {
      for (const option of [nl.NETLINK_CAP_ACK, nl.NETLINK_EXT_ACK]) socket.setOption(option, 1);
      if (protocol === nl.NETLINK_ROUTE) socket.setOption(nl.NETLINK_GET_STRICT_CHK, 1);
      if (groups.length > 0) socket.join(groups);
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** The descriptor, to be waited for together with others. */
  get descriptor(): number {
    return this.fd;
  }

  /**
   * Gives events so many bytes of room. A kernel that refuses it leaves the room as it is (208 kB), and tells
   * of lost events all the same.
   */
  makeRoomForEvents(bytes: number): void {
    native.setsockopt(this.fd, nl.SOL_SOCKET, nl.SO_RCVBUFFORCE, u32Bytes(bytes));
  }

  /**
   * The cookie of the socket's namespace: unlike an inode number it is never used again (SO_NETNS_COOKIE,
   * Linux 5.14).
   */
  get namespaceCookie(): string {
    this.cookie ??= this.readCookie();
    return this.cookie;
  }

  private readCookie(): string {
    const value = new Uint8Array(8);
    check(native.getsockopt(this.fd, nl.SOL_SOCKET, nl.SO_NETNS_COOKIE, value), "read the namespace cookie");
    return String(u32At(value, 0) + u32At(value, 4) * 2 ** 32);
  }

  /**
   * Sends all messages at once, very many in parts, and gives the outcome of each, in order. The kernel does
   * not stop at a refusal. Throws SystemError when the socket fails.
   */
  transact(messages: Message[]): Outcome[] {
    if (messages.length > MOST_AT_ONCE) return this.transactInParts(messages);
    const writer = new Writer();
    const first = this.sequence;
    this.writeAll(writer, messages);
    this.send(writer.written, messages[0]?.what ?? "nothing");
    return heard(messages, this.gather(messages, first));
  }

  private transactInParts(messages: Message[]): Outcome[] {
    const outcomes: Outcome[] = [];
    for (let at = 0; at < messages.length; at += MOST_AT_ONCE)
      outcomes.push(...this.transact(messages.slice(at, at + MOST_AT_ONCE)));
    return outcomes;
  }

  /** Sends requests and waits for all answers. Throws the first refusal as SystemError. */
  execute(messages: Message[]): Outcome[] {
    const outcomes = this.transact(messages);
    for (const outcome of outcomes) if (outcome.error !== undefined) throw outcome.error;
    return outcomes;
  }

  /**
   * Sends `messages` between `begin` and `end` as one batch, all or nothing (nfnetlink). Gives the outcome of
   * each; when one is refused nothing has been done. Throws SystemError when the socket fails.
   */
  batch(begin: Message, messages: Message[], end: Message): Outcome[] {
    const writer = new Writer();
    const frame = this.sequence;
    this.write(writer, begin, 0);
    const first = this.sequence;
    this.writeAll(writer, messages);
    this.write(writer, end, 0);
    this.makeRoom(writer.written.length);
    this.send(writer.written, messages[0]?.what ?? "nothing");
    return heard(messages, this.gather(messages, first, frame));
  }

  /** Asks for a list, and starts again when the list changed while it was read. Throws SystemError. */
  dump(message: Message): Reply[] {
    for (let attempt = 1; ; attempt++) {
      const list = this.dumpOnce(message);
      listener?.(message.what, list === undefined ? "changed meanwhile" : `${list.length} answers`);
      if (list !== undefined) return list;
      if (attempt === DUMP_ATTEMPTS)
        throw new SystemError(message.what, errnoOf("EAGAIN"), "the list changed at each attempt to read it");
    }
  }

  /**
   * The messages of one receive within `timeoutMs`; none when no message came. Throws SystemError, ENOBUFS
   * when events were lost.
   */
  receive(what: string, timeoutMs: number): Reply[] {
    let deadline: number | undefined;
    for (;;) {
      const count = native.recv(this.fd, buffer, nl.MSG_DONTWAIT | nl.MSG_TRUNC);
      if (count > buffer.length)
        throw new SystemError(what, errnoOf("ENOBUFS"), "an answer was longer than the buffer");
      if (count >= 0) return readMessages(buffer.subarray(0, count));
      if (count !== -errnoOf("EAGAIN") && count !== -errnoOf("EINTR")) throw new SystemError(what, -count);
      // The clock is read only when there is nothing to receive: an answer of rtnetlink is there once its
      // request was sent.
      const now = monotonicMs();
      deadline ??= now + timeoutMs;
      const rest = Math.ceil(deadline - now);
      if (rest <= 0) return [];
      waitFor(this.fd, POLLIN, rest);
    }
  }

  /**
   * Waits until an event comes, `timeoutMs` at most. Lost events (ENOBUFS) count as an event, since the
   * caller looks again afterwards. Throws SystemError.
   */
  waitForEvent(what: string, timeoutMs: number): void {
    try {
      this.receive(what, timeoutMs);
    } catch (error) {
      if (!isErrno(error, "ENOBUFS")) throw error;
    }
  }

  /** Closes the socket. After a delete in nftables this waits for the kernel's clean-up. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    native.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Writes the messages. Only the last asks for an acknowledgement: the kernel works through them in order
   * and reports a refusal unasked. An acknowledgement for each would overflow the socket's buffer from about
   * 250 messages on.
   */
  private writeAll(writer: Writer, messages: Message[]): void {
    for (let at = 0; at < messages.length; at++) {
      const message = messages[at];
      if (message !== undefined) this.write(writer, message, at === messages.length - 1 ? nl.NLM_F_ACK : 0);
    }
  }

  private write(writer: Writer, message: Message, extraFlags: number): void {
    writer.message(
      message.type,
      message.flags | nl.NLM_F_REQUEST | extraFlags,
      this.sequence++,
      message.body,
    );
  }

  /** Gives a batch that is larger than the socket's buffer a buffer of its size, as `nft` does. */
  private makeRoom(bytes: number): void {
    if (bytes < LEAST_SEND_BUFFER) return;
    const result = native.setsockopt(this.fd, nl.SOL_SOCKET, nl.SO_SNDBUFFORCE, u32Bytes(2 * bytes));
    check(result, "enlarge the buffer of a netlink socket");
  }

  private send(bytes: Uint8Array, what: string): void {
    for (;;) {
      const sent = native.send(this.fd, bytes, 0);
      if (sent !== -errnoOf("EINTR")) return void check(sent, what);
    }
  }

  /**
   * The outcomes of messages whose sequence numbers begin at `first`. A refusal of the one that begins their
   * batch, `frame`, refuses every message. Any other number is an answer to an earlier request, which failed
   * before it was read.
   */
  private gather(messages: Message[], first: number, frame?: number): Outcome[] {
    const outcomes = messages.map(({ what }) => new Outcome(what));
    const what = messages[0]?.what ?? "nothing";
    for (let done = messages.length === 0; !done; ) {
      const replies = this.receive(what, TIMEOUT_MS);
      if (replies.length === 0)
        throw new SystemError(what, errnoOf("ETIMEDOUT"), "the kernel did not answer");
      for (const reply of replies) {
        const index = reply.sequence - first;
        const outcome = outcomes[index];
        if (reply.type === nl.NLMSG_ERROR && reply.sequence === frame) this.throwFrame(reply, what);
        if (outcome === undefined) continue;
        outcome.add(reply);
        if (index === 0 && this.isRefusalOfAll(outcome)) return refuseAll(outcomes, reply);
        done ||= reply.type === nl.NLMSG_ERROR && index === messages.length - 1;
      }
    }
    return outcomes;
  }

  /**
   * True for the refusal of a first message that is the answer to all: nfnetlink looks for the capability
   * once for each send, and says so for its first message alone (`nfnetlink_rcv` in
   * net/netfilter/nfnetlink.c).
   */
  private isRefusalOfAll({ errno }: Outcome): boolean {
    return this.protocol === nl.NETLINK_NETFILTER && errno === errnoOf("EPERM");
  }

  private throwFrame(reply: Reply, what: string): void {
    const error = readError(reply, what);
    if (error !== undefined) throw error;
  }

  private dumpOnce(message: Message): Reply[] | undefined {
    const writer = new Writer();
    const sequence = this.sequence;
    this.write(writer, message, nl.NLM_F_DUMP);
    this.send(writer.written, message.what);
    const list: Reply[] = [];
    let interrupted = false;
    for (;;) {
      const replies = this.receive(message.what, TIMEOUT_MS);
      if (replies.length === 0)
        throw new SystemError(message.what, errnoOf("ETIMEDOUT"), "the kernel did not answer");
      for (const reply of replies) {
        if (reply.sequence !== sequence) continue;
        if ((reply.flags & nl.NLM_F_DUMP_INTR) !== 0) interrupted = true;
        if (reply.type === nl.NLMSG_DONE || reply.type === nl.NLMSG_ERROR) {
          const error = readError(reply, message.what);
          if (error !== undefined) throw error;
          return interrupted ? undefined : list;
        }
        list.push(reply);
      }
    }
  }

  /**
   * Joins groups of events. The socket needs a port number first: without one the kernel takes it for the
   * sender of its own events, and leaves it out.
   */
  private join(groups: number[]): void {
    // struct sockaddr_nl: family, padding, port number (0: the kernel chooses), groups
    const anyPort = Uint8Array.of(nl.AF_NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    check(native.bind(this.fd, anyPort), "bind a netlink socket");
    for (const group of groups) this.setOption(nl.NETLINK_ADD_MEMBERSHIP, group);
  }

  private setOption(option: number, value: number): void {
    check(
      native.setsockopt(this.fd, nl.SOL_NETLINK, option, u32Bytes(value)),
      `set netlink option ${option}`,
    );
  }
}

/** Tells the listener, if there is one, of these requests. Gives their outcomes. */
function heard(messages: readonly Message[], outcomes: Outcome[]): Outcome[] {
  if (listener === undefined) return outcomes;
  for (const [at, { what }] of messages.entries()) {
    const errno = outcomes[at]?.errno ?? 0;
    listener(what, errno === 0 ? "ok" : errnoName(errno));
  }
  return outcomes;
}

function refuseAll(outcomes: Outcome[], refusal: Reply): Outcome[] {
  for (const outcome of outcomes) outcome.add(refusal);
  return outcomes;
}
