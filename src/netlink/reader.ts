// Reads netlink messages and attributes. Mirrors writer.ts. What the kernel sends is trusted to be well formed, but
// never read beyond its end.
import { NLA_HDRLEN, NLA_TYPE_MASK, NLMSG_HDRLEN } from "./uapi/netlink.ts";

const decoder = new TextDecoder();

/** One message of the kernel: its type, flags, sequence number, and what comes after the header. */
export interface Reply {
  type: number;
  flags: number;
  sequence: number;
  payload: Uint8Array;
}

/** Splits what one receive brought into messages. */
export function readMessages(bytes: Uint8Array): Reply[] {
  const view = viewOf(bytes);
  const messages: Reply[] = [];
  for (let at = 0; at + NLMSG_HDRLEN <= bytes.length; ) {
    const length = view.getUint32(at, true);
    if (length < NLMSG_HDRLEN || at + length > bytes.length) break;
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      payload: bytes.slice(at + NLMSG_HDRLEN, at + length),
    });
    at += (length + 3) & ~3;
  }
  return messages;
}

/** The attributes from `offset` to the end, by type (flags taken off). The last of a type wins, as in the kernel. */
export function readAttributes(bytes: Uint8Array, offset = 0): Attributes {
  return new Attributes(new Map(listAttributes(bytes, offset)));
}

/** The same as a list of type and value, for nests that repeat one type. */
export function listAttributes(bytes: Uint8Array, offset = 0): [number, Uint8Array][] {
  const view = viewOf(bytes);
  const list: [number, Uint8Array][] = [];
  for (let at = offset; at + NLA_HDRLEN <= bytes.length; ) {
    const length = view.getUint16(at, true);
    if (length < NLA_HDRLEN || at + length > bytes.length) break;
    list.push([view.getUint16(at + 2, true) & NLA_TYPE_MASK, bytes.subarray(at + NLA_HDRLEN, at + length)]);
    at += (length + 3) & ~3;
  }
  return list;
}

/** Attributes by type; every question is answered with undefined when the attribute is absent or too short. */
export class Attributes {
  readonly #map: Map<number, Uint8Array>;

  constructor(map: Map<number, Uint8Array>) {
    this.#map = map;
  }

  bytes(type: number): Uint8Array | undefined {
    return this.#map.get(type);
  }

  u8(type: number): number | undefined {
    return this.#map.get(type)?.[0];
  }

  u32(type: number): number | undefined {
    const value = this.#map.get(type);
    return value !== undefined && value.length >= 4 ? viewOf(value).getUint32(0, true) : undefined;
  }

  be32(type: number): number | undefined {
    const value = this.#map.get(type);
    return value !== undefined && value.length >= 4 ? viewOf(value).getUint32(0, false) : undefined;
  }

  /** Text up to its NUL. */
  string(type: number): string | undefined {
    const value = this.#map.get(type);
    return value === undefined ? undefined : readText(value);
  }

  nest(type: number): Attributes | undefined {
    const value = this.#map.get(type);
    return value === undefined ? undefined : readAttributes(value);
  }
}

/** The text in `bytes` up to the first NUL. */
export function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** A DataView of exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
