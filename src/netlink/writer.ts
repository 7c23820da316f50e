// Writes netlink messages: a header with a length that is patched at the end, then attributes, each padded to
// four bytes. Numbers are in host order, which is little-endian on every machine that Pontoon runs on.
// Mirrors reader.ts. (linux/netlink.h: struct nlmsghdr, struct nlattr.)
import { textBytes } from "../sys/bytes.ts";
import { NLA_F_NESTED, NLA_HDRLEN } from "./uapi/netlink.ts";

/** The bytes of messages, written one attribute after another. */
export class Writer {
  private buffer = new Uint8Array(512);
  private view = new DataView(this.buffer.buffer);
  private length = 0;

  /** The bytes written so far. */
  get written(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  /** Writes one message: the header, then the payload that `body` writes. */
  // biome-ignore lint/complexity/useMaxParams: the fields of a header, written for every message.
  message(type: number, flags: number, sequence: number, body: (writer: Writer) => void): void {
    const start = this.length;
    this.u32(0).u16(type).u16(flags).u32(sequence).u32(0);
    body(this);
    this.view.setUint32(start, this.length - start, true);
    this.pad();
  }

  u8(value: number): this {
    const at = this.grow(1);
    this.buffer[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.length;
    if (at + 2 > this.buffer.length) this.enlarge(2);
    this.view.setUint16(at, value, true);
    this.length = at + 2;
    return this;
  }

  u32(value: number): this {
    const at = this.length;
    if (at + 4 > this.buffer.length) this.enlarge(4);
    this.view.setUint32(at, value, true);
    this.length = at + 4;
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.grow(value.length);
    this.buffer.set(value, at);
    return this;
  }

  /** An attribute that holds raw bytes. */
  attribute(type: number, value: Uint8Array): this {
    this.u16(NLA_HDRLEN + value.length)
      .u16(type)
      .bytes(value);
    this.pad();
    return this;
  }

  /** An attribute that holds a string with its closing NUL. */
  string(type: number, value: string): this {
    return this.attribute(type, textBytes(`${value}\0`));
  }

  /** An attribute that holds a string without a closing NUL, where the kernel would count the NUL too. */
  bareString(type: number, value: string): this {
    return this.attribute(type, textBytes(value));
  }

  u8Attribute(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  u32Attribute(type: number, value: number): this {
    return this.u16(NLA_HDRLEN + 4)
      .u16(type)
      .u32(value);
  }

  /** A number in network order, as in all attributes of nftables. */
  be32Attribute(type: number, value: number): this {
    this.u16(NLA_HDRLEN + 4).u16(type);
    const at = this.grow(4);
    this.view.setUint32(at, value);
    return this;
  }

  /**
   * An attribute that holds the attributes that `body` writes. rtnetlink's older nests carry no flag, and
   * need none.
   */
  nest(type: number, body: (writer: Writer) => void, flag = NLA_F_NESTED): this {
    const start = this.openNest(type, flag);
    body(this);
    return this.closeNest(start);
  }

  /**
   * Begins an attribute that holds attributes, and gives its place for {@link closeNest}. Messages that every
   * ADD writes use it: it needs no function, as {@link nest} does.
   */
  openNest(type: number, flag = NLA_F_NESTED): number {
    const start = this.length;
    this.u16(0).u16(type | flag);
    return start;
  }

  /** Ends the attribute that {@link openNest} began at `start`. */
  closeNest(start: number): this {
    this.view.setUint16(start, this.length - start, true);
    this.pad();
    return this;
  }

  private pad(): void {
    const rest = this.length & 3;
    if (rest !== 0) this.grow(4 - rest);
  }

  /**
   * Makes room for `count` zero bytes at the end and gives their place. The buffer may be replaced by a
   * larger one.
   */
  private grow(count: number): number {
    const at = this.length;
    if (at + count > this.buffer.length) this.enlarge(count);
    this.length = at + count;
    return at;
  }

  private enlarge(count: number): void {
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + count));
    larger.set(this.buffer);
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }
}
