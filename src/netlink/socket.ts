// Requests over a netlink socket: sends them, gathers the kernel's answers, turns refusals into SystemError
// with the kernel's text.
import { check, errnoOf, SystemError } from "../sys/errno.ts";
import { native } from "../sys/native.ts";
import { NetlinkChannel } from "./channel.ts";
import { heard, heardOfList } from "./listener.ts";
import { Outcome, readError } from "./outcome.ts";
import type { Reply } from "./reader.ts";
import * as nl from "./uapi/netlink.ts";
import { Writer } from "./writer.ts";

/** One request: its operation in words, its type and flags, and the payload after the header. */
export interface Message {
  what: string;
  type: number;
  flags: number;
  body: (writer: Writer) => void;
}

const TIMEOUT_MS = 10_000;
const DUMP_ATTEMPTS = 8;
/**
 * The most messages at once: so many requests and their answers, a refusal for each at worst, fit into the
 * buffers of a socket, 208 kB each way; an answer counts as about 0.8 kB.
 */
const MOST_AT_ONCE = 200;

/** A netlink socket for requests, each with the answers of the kernel to it. */
export class NetlinkSocket extends NetlinkChannel {
  private sequence = 1;

  /**
   * Opens a socket of `protocol` (NETLINK_ROUTE, NETLINK_NETFILTER) in this thread's namespace, listening to
   * `groups` (RTNLGRP_…). Throws SystemError.
   */
  static open(protocol: number, groups: readonly number[] = []): NetlinkSocket {
    const socket = new NetlinkSocket(
      check(native.socket(nl.AF_NETLINK, nl.SOCK_RAW, protocol), "open a netlink socket"),
      protocol,
    );
    try {
      socket.setUp(groups);
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
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
      heardOfList(message.what, list);
      if (list !== undefined) return list;
      if (attempt === DUMP_ATTEMPTS)
        throw new SystemError(message.what, errnoOf("EAGAIN"), "the list changed at each attempt to read it");
    }
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
      if (replies.length === 0) throw silence(what);
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
      if (replies.length === 0) throw silence(message.what);
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
}

function refuseAll(outcomes: Outcome[], refusal: Reply): Outcome[] {
  for (const outcome of outcomes) outcome.add(refusal);
  return outcomes;
}

/** The error for a request to which no answer came. */
function silence(what: string): SystemError {
  return new SystemError(what, errnoOf("ETIMEDOUT"), "the kernel did not answer");
}
