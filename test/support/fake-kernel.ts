// The other end of a netlink socket, for answers that no real kernel gives on request: one half of a local
// socket pair is given to the code under test, the answers wait in the other half before they are asked for.
import { NetlinkSocket } from "../../src/netlink/socket.ts";
import { NETLINK_ROUTE } from "../../src/netlink/uapi/netlink.ts";
import { Writer } from "../../src/netlink/writer.ts";
import { native } from "../../src/sys/native.ts";
import { socketPair } from "./libc.ts";

export interface Answer {
  type: number;
  flags?: number;
  sequence: number;
  body?: (w: Writer) => void;
}

export class FakeKernel implements Disposable {
  readonly socket: NetlinkSocket;
  readonly #fd: number;

  constructor(protocol = NETLINK_ROUTE) {
    const [ours, theirs] = socketPair();
    this.#fd = ours;
    // The constructor is closed to all but the class itself, since a real socket needs its options first.
    const Constructor = NetlinkSocket as unknown as new (fd: number, protocol: number) => NetlinkSocket;
    this.socket = new Constructor(theirs, protocol);
  }

  /** Lays one datagram of messages ready. */
  answers(...messages: Answer[]): void {
    const w = new Writer();
    for (const { type, flags = 0, sequence, body } of messages)
      w.message(type, flags, sequence, body ?? (() => {}));
    this.sends(w.written);
  }

  sends(bytes: Uint8Array): void {
    if (native.send(this.#fd, bytes, 0) !== bytes.length)
      throw new Error("The test could not lay an answer ready.");
  }

  /** What was asked so far, one datagram for each send. */
  asked(): Uint8Array[] {
    const list: Uint8Array[] = [];
    const buffer = new Uint8Array(65536);
    for (;;) {
      const count = native.recv(this.#fd, buffer, 0x40);
      if (count < 0) return list;
      list.push(buffer.slice(0, count));
    }
  }

  [Symbol.dispose](): void {
    this.socket.close();
    native.close(this.#fd);
  }
}
