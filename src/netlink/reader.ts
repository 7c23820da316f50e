// Reads netlink messages and attributes. Mirrors writer.ts. Messages of the kernel are trusted to be well
// formed, but never read beyond their end.
import { textOf, u16At, u32At } from "../sys/bytes.ts";
import { NLA_HDRLEN, NLA_TYPE_MASK, NLMSG_HDRLEN } from "./uapi/netlink.ts";

/** One message of the kernel: its type, flags, sequence number, and the payload after the header. */
export interface Reply {
  type: number;
  flags: number;
  sequence: number;
  payload: Uint8Array;
}

/** The messages in the bytes of one receive. */
export function readMessages(bytes: Uint8Array): Reply[] {
  const messages: Reply[] = [];
  for (let at = 0; at + NLMSG_HDRLEN <= bytes.length; ) {
    const length = u32At(bytes, at);
    if (length < NLMSG_HDRLEN || at + length > bytes.length) break;
    messages.push({
      type: u16At(bytes, at + 4),
      flags: u16At(bytes, at + 6),
      sequence: u32At(bytes, at + 8),
      payload: bytes.slice(at + NLMSG_HDRLEN, at + length),
    });
    at += (length + 3) & ~3;
  }
  return messages;
}

/** The attributes from `offset` to the end. */
export function readAttributes(bytes: Uint8Array, offset = 0): Attributes {
  return new Attributes(bytes, offset);
}

/** Reads attributes as a list of type (flags taken off) and value, for nests that repeat a type. */
export function listAttributes(bytes: Uint8Array, offset = 0): [number, Uint8Array][] {
  const list: [number, Uint8Array][] = [];
  for (let at = offset; at + NLA_HDRLEN <= bytes.length; ) {
    const length = u16At(bytes, at);
    if (length < NLA_HDRLEN || at + length > bytes.length) break;
    list.push([u16At(bytes, at + 2) & NLA_TYPE_MASK, bytes.subarray(at + NLA_HDRLEN, at + length)]);
    at += (length + 3) & ~3;
  }
  return list;
}

/**
 * Attributes by type; every getter gives undefined when the attribute is absent or too short. One walk along
 * the bytes notes the place of each attribute. Values are cut out when asked for, since a message has forty
 * and callers read a few.
 */
export class Attributes {
  private readonly message: Uint8Array;
  private readonly starts: number[] = [];

  constructor(bytes: Uint8Array, offset: number) {
    this.message = bytes;
    const { length } = bytes;
    for (let at = offset; at + NLA_HDRLEN <= length; ) {
      const size = bytes[at]! | (bytes[at + 1]! << 8);
      if (size < NLA_HDRLEN || at + size > length) break;
      // The last attribute of a type counts, as in the kernel.
      this.starts[(bytes[at + 2]! | (bytes[at + 3]! << 8)) & NLA_TYPE_MASK] = at;
      at += (size + 3) & ~3;
    }
  }

  bytes(type: number): Uint8Array | undefined {
    const at = this.starts[type];
    return at === undefined
      ? undefined
      : this.message.subarray(at + NLA_HDRLEN, at + u16At(this.message, at));
  }

  u8(type: number): number | undefined {
    return this.bytes(type)?.[0];
  }

  u16(type: number): number | undefined {
    const value = this.bytes(type);
    return value !== undefined && value.length >= 2 ? u16At(value, 0) : undefined;
  }

  u32(type: number): number | undefined {
    const value = this.bytes(type);
    return value !== undefined && value.length >= 4 ? u32At(value, 0) : undefined;
  }

  be32(type: number): number | undefined {
    const value = this.bytes(type);
    return value !== undefined && value.length >= 4 ? be32At(value, 0) : undefined;
  }

  /** The text of an attribute up to its NUL. */
  string(type: number): string | undefined {
    const value = this.bytes(type);
    return value === undefined ? undefined : readText(value);
  }

  nest(type: number): Attributes | undefined {
    const value = this.bytes(type);
    return value === undefined ? undefined : new Attributes(value, 0);
  }
}

/** The text in `bytes` up to the first NUL. */
export function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return textOf(end < 0 ? bytes : bytes.subarray(0, end));
}

function be32At(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}
