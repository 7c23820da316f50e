// Writes netlink messages: a header with a length that is patched at the end, then attributes, each padded to
// four bytes. Numbers are in host order, which is little-endian on every machine that the runtime exists for.
// Mirrors reader.ts. (linux/netlink.h: struct nlmsghdr, struct nlattr.)
import { NLA_F_NESTED, NLA_HDRLEN } from "./uapi/netlink.ts";

const encoder = new TextEncoder();

export class Writer {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Everything written so far. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Writes one message: header, then what `body` writes. */
  message(type: number, flags: number, sequence: number, body: (writer: Writer) => void): void {
    const start = this.#length;
    this.u32(0).u16(type).u16(flags).u32(sequence).u32(0);
    body(this);
    this.#view.setUint32(start, this.#length - start, true);
    this.#pad();
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** An attribute that holds raw bytes. */
  attribute(type: number, value: Uint8Array): this {
    this.u16(NLA_HDRLEN + value.length).u16(type).bytes(value);
    this.#pad();
    return this;
  }

  /** An attribute that holds a string with its closing NUL. */
  string(type: number, value: string): this {
    return this.attribute(type, encoder.encode(`${value}\0`));
  }

  /** An attribute that holds a string without a closing NUL, where the kernel counts that one too. */
  bareString(type: number, value: string): this {
    return this.attribute(type, encoder.encode(value));
  }

  u8Attribute(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  u16Attribute(type: number, value: number): this {
    this.u16(NLA_HDRLEN + 2).u16(type).u16(value);
    this.#pad();
    return this;
  }

  u32Attribute(type: number, value: number): this {
    return this.u16(NLA_HDRLEN + 4).u16(type).u32(value);
  }

  /** A number in network order, as nftables wants all of its own. */
  be32Attribute(type: number, value: number): this {
    this.u16(NLA_HDRLEN + 4).u16(type);
    const at = this.#grow(4);
    this.#view.setUint32(at, value, false);
    return this;
  }

  /** An attribute that holds attributes: what `body` writes. rtnetlink's older nests do not carry the flag, and need none. */
  nest(type: number, body: (writer: Writer) => void, flag = NLA_F_NESTED): this {
    const start = this.#length;
    this.u16(0).u16(type | flag);
    body(this);
    this.#view.setUint16(start, this.#length - start, true);
    this.#pad();
    return this;
  }

  #pad(): void {
    this.#grow((4 - (this.#length & 3)) & 3);
  }

  /** Makes room for `count` zero bytes at the end and gives their place. The buffer may be another one after it. */
  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
