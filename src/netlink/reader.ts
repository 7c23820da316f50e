// Reads netlink messages and attributes. Mirrors writer.ts. Messages of the kernel are trusted to be well
// formed, but never read beyond their end.
import { textOf, u16At } from "../sys/bytes.ts";
import { native } from "../sys/native.ts";
import { NLA_HDRLEN, NLA_TYPE_MASK, NLMSG_HDRLEN } from "./uapi/netlink.ts";

/** One message of the kernel: parts of its header, and the payload after it. */
export interface Reply {
  type: number;
  flags: number;
  sequence: number;
  /** The number of the socket that asked for it, or for what it tells; 0: the kernel by itself. */
  port: number;
  payload: Uint8Array;
}

/** The messages in the bytes of one receive, which begin at a multiple of four in their buffer. */
export function readMessages(bytes: Uint8Array): Reply[] {
  const messages: Reply[] = [];
  const words = wordsOf(bytes);
  for (let at = 0; at + NLMSG_HDRLEN <= bytes.length; ) {
    const word = at >> 2;
    const length = words[word]! >>> 0;
    if (length < NLMSG_HDRLEN || at + length > bytes.length) break;
    const kind = words[word + 1]!;
    messages.push({
      type: kind & 0xffff,
      flags: kind >>> 16,
      sequence: words[word + 2]! >>> 0,
      port: words[word + 3]! >>> 0,
      payload: bytes.slice(at + NLMSG_HDRLEN, at + length),
    });
    at += (length + 3) & ~3;
  }
  return messages;
}

/** The attributes from `offset` to the end. */
export function readAttributes(bytes: Uint8Array, offset = 0): Attributes {
  // Words are read where they stand, so they have to stand at a multiple of four.
  if (((bytes.byteOffset | offset) & 3) !== 0) return readAttributes(bytes.slice(offset));
  return new Attributes({ bytes, words: wordsOf(bytes) }, offset, bytes.length);
}

/** The whole words of four bytes, in the machine's order, which is the kernel's. */
function wordsOf(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
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
 * Visits the attributes between two places by type (flags taken off) and the places where the value begins
 * and ends. For lists of thousands, of which each has few attributes: it makes no object.
 */
// biome-ignore lint/complexity/useMaxParams: it runs for each of thousands of elements.
export function walkAttributes(
  bytes: Uint8Array,
  from: number,
  end: number,
  visit: (type: number, start: number, end: number) => void,
): void {
  for (let at = from; at + NLA_HDRLEN <= end; ) {
    const length = u16At(bytes, at);
    if (length < NLA_HDRLEN || at + length > end) return;
    visit(u16At(bytes, at + 2) & NLA_TYPE_MASK, at + NLA_HDRLEN, at + length);
    at += (length + 3) & ~3;
  }
}

/** Bytes, and the words in them: an engine reads a word as fast as a byte. */
interface Memory {
  bytes: Uint8Array;
  words: Int32Array;
}

/**
 * Attributes by type; every getter gives undefined when the attribute is absent or too short. One walk along
 * the bytes notes the place of each attribute. Values are read where they stand when asked for, since a
 * message has forty and callers read a few. RangeError for a type of 128 or more: the kernel's are below 80.
 */
export class Attributes {
  private readonly memory: Memory;
  private readonly places: Uint8Array;

  constructor(memory: Memory, start: number, end: number) {
    this.memory = memory;
    this.places = native.attribute_places(memory.bytes, start, end);
  }

  bytes(type: number): Uint8Array | undefined {
    const at = this.placeOf(type, 0);
    return at === 0 ? undefined : this.memory.bytes.subarray(at, at + this.sizeAt(at));
  }

  /** The bytes of an IPv4 or IPv6 address: 4 or 16. */
  addressBytes(type: number): Uint8Array | undefined {
    const bytes = this.bytes(type);
    return bytes?.length === 4 || bytes?.length === 16 ? bytes : undefined;
  }

  u8(type: number): number | undefined {
    const at = this.placeOf(type, 1);
    return at === 0 ? undefined : this.memory.bytes[at];
  }

  u16(type: number): number | undefined {
    const at = this.placeOf(type, 2);
    return at === 0 ? undefined : u16At(this.memory.bytes, at);
  }

  u32(type: number): number | undefined {
    const at = this.placeOf(type, 4);
    return at === 0 ? undefined : this.memory.words[at >> 2]! >>> 0;
  }

  /**
   * One of the numbers of eight bytes in a row of them, as far as a number of JavaScript is exact; undefined
   * where the row is shorter.
   */
  u64Of(type: number, place: number): number | undefined {
    const at = this.placeOf(type, 8 * (place + 1));
    if (at === 0) return undefined;
    const { words } = this.memory;
    const word = (at >> 2) + 2 * place;
    return (words[word]! >>> 0) + (words[word + 1]! >>> 0) * 2 ** 32;
  }

  be32(type: number): number | undefined {
    const at = this.placeOf(type, 4);
    return at === 0 ? undefined : be32At(this.memory.bytes, at);
  }

  /** The text of an attribute up to its NUL. */
  string(type: number): string | undefined {
    const at = this.placeOf(type, 0);
    if (at === 0) return undefined;
    const { bytes } = this.memory;
    const end = at + this.sizeAt(at);
    const nul = bytes.indexOf(0, at);
    return textOf(bytes.subarray(at, nul < 0 || nul > end ? end : nul));
  }

  nest(type: number): Attributes | undefined {
    const at = this.placeOf(type, 0);
    return at === 0 ? undefined : new Attributes(this.memory, at, at + this.sizeAt(at));
  }

  /** The place of a value of at least so many bytes; 0 without one. */
  private placeOf(type: number, least: number): number {
    const { places } = this;
    const low = places[2 * type];
    if (low === undefined) throw new RangeError(`attributes of type ${type} are not noted`);
    const word = low | (places[2 * type + 1]! << 8);
    return word !== 0 && (this.memory.words[word - 1]! & 0xffff) >= NLA_HDRLEN + least ? word << 2 : 0;
  }

  /** The size of the value at a place, in bytes. */
  private sizeAt(at: number): number {
    return (this.memory.words[(at >> 2) - 1]! & 0xffff) - NLA_HDRLEN;
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
