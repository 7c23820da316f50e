// Writes netlink messages: a header with a length that is patched at the end, then attributes, each padded to
// four bytes. Numbers are in host order, which is little-endian on every machine that the runtime exists for.
// Bytes are stored one by one: a DataView costs more at its first use than all of them. Mirrors reader.ts. (linux/netlink.h: struct nlmsghdr, struct nlattr.)
import { textBytes } from "../sys/bytes.ts";
import { NLA_F_NESTED, NLA_HDRLEN } from "./uapi/netlink.ts";

export class Writer {
  #bytes = new Uint8Array(512);
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
    const length = this.#length - start;
    this.#bytes[start] = length;
    this.#bytes[start + 1] = length >>> 8;
    this.#bytes[start + 2] = length >>> 16;
    this.#pad();
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
    this.#bytes[at + 2] = value >>> 16;
    this.#bytes[at + 3] = value >>> 24;
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
    return this.attribute(type, textBytes(`${value}\0`));
  }

  /** An attribute that holds a string without a closing NUL, where the kernel counts that one too. */
  bareString(type: number, value: string): this {
    return this.attribute(type, textBytes(value));
  }

  u8Attribute(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  u32Attribute(type: number, value: number): this {
    return this.u16(NLA_HDRLEN + 4).u16(type).u32(value);
  }

  /** A number in network order, as nftables wants all of its own. */
  be32Attribute(type: number, value: number): this {
    return this.u16(NLA_HDRLEN + 4).u16(type).u8(value >>> 24).u8(value >>> 16).u8(value >>> 8).u8(value);
  }

  /** An attribute that holds attributes: what `body` writes. rtnetlink's older nests do not carry the flag, and need none. */
  nest(type: number, body: (writer: Writer) => void, flag = NLA_F_NESTED): this {
    const start = this.#length;
    this.u16(0).u16(type | flag);
    body(this);
    const length = this.#length - start;
    this.#bytes[start] = length;
    this.#bytes[start + 1] = length >>> 8;
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
    }
    return at;
  }
}
