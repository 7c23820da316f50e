// Numbers and text as bytes and back.
import { native } from "./native.ts";

/** A text as UTF-8. */
export function textBytes(text: string): Uint8Array {
  return native.encode(text);
}

/**
 * The text of UTF-8 bytes; bytes that are no UTF-8 become replacement characters. A byte order mark is kept,
 * so that the reader of the text can refuse it.
 */
export function textOf(bytes: Uint8Array): string {
  return native.decode(bytes);
}

/** True for a text that is printable ASCII from its begin to its end. */
export function isPrintable(text: string): boolean {
  return native.is_printable(text) === 1;
}

/** A number as four little-endian bytes. */
export function u32Bytes(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

/** The little-endian number of two bytes at a place; outside of the bytes there are zeros. */
export function u16At(bytes: Uint8Array, at: number): number {
  // Undefined counts as 0 in both.
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** The big-endian number (network order) of two bytes at a place; outside of the bytes there are zeros. */
export function be16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** The little-endian number of four bytes at a place; outside of the bytes there are zeros. */
export function u32At(bytes: Uint8Array, at: number): number {
  // Undefined counts as 0 in all of these.
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** The first place of `wanted` (not empty) in the bytes from a place on; -1 when there is none. */
export function placeOf(wanted: Uint8Array, bytes: Uint8Array, from = 0): number {
  const first = wanted[0] ?? 0;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let length = 1;
    while (length < wanted.length && bytes[at + length] === wanted[length]) length++;
    if (length === wanted.length) return at;
  }
  return -1;
}
