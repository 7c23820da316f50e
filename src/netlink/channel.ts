// The descriptor of a netlink socket: its options, groups of events, bytes out and messages in. It stays in
// the namespace that it was opened in, wherever the thread goes after.
import { u32At, u32Bytes } from "../sys/bytes.ts";
import { monotonicMs } from "../sys/clock.ts";
import { check, errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { FileHandle } from "../sys/file.ts";
import { native } from "../sys/native.ts";
import { POLLIN, waitFor } from "../sys/stream.ts";
import { type Reply, readMessages } from "./reader.ts";
import * as nl from "./uapi/netlink.ts";

/** Bytes that every socket may send at once: the default is 208 kB, less the kernel's own share. */
const LEAST_SEND_BUFFER = 128 * 1024;

/**
 * The buffer of all sockets: bytes are copied out of it at once. The kernel never makes a message of a list
 * longer than 32 KiB.
 */
const buffer = new Uint8Array(32 * 1024);

/**
 * A netlink socket as bytes and events. After a delete in nftables its close waits for the kernel's clean-up.
 */
export class NetlinkChannel extends FileHandle {
  protected readonly protocol: number;
  private cookie: string | undefined;

  protected constructor(fd: number, protocol: number) {
    super(fd);
    this.protocol = protocol;
  }

  /** Sets the options that all sockets have, and joins `groups` (RTNLGRP_…). Throws SystemError. */
  protected setUp(groups: readonly number[]): void {
    for (const option of [nl.NETLINK_CAP_ACK, nl.NETLINK_EXT_ACK]) this.setOption(option, 1);
    if (this.protocol === nl.NETLINK_ROUTE) this.setOption(nl.NETLINK_GET_STRICT_CHK, 1);
    if (groups.length > 0) this.join(groups);
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

  /** Gives a batch that is larger than the socket's buffer a buffer of its size, as `nft` does. */
  protected makeRoom(bytes: number): void {
    if (bytes < LEAST_SEND_BUFFER) return;
    const result = native.setsockopt(this.fd, nl.SOL_SOCKET, nl.SO_SNDBUFFORCE, u32Bytes(2 * bytes));
    check(result, "enlarge the buffer of a netlink socket");
  }

  protected send(bytes: Uint8Array, what: string): void {
    for (;;) {
      const sent = native.send(this.fd, bytes, 0);
      if (sent !== -errnoOf("EINTR")) return void check(sent, what);
    }
  }

  /**
   * Joins groups of events. The socket needs a port number first: without one the kernel takes it for the
   * sender of its own events, and leaves it out.
   */
  private join(groups: readonly number[]): void {
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
