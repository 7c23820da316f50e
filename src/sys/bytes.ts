// Numbers and text as bytes and back. One encoder, one decoder and one kind of typed array serve the whole program: each
// further kind costs the engine a block of memory and its first use (docs/decisions/0004-cold-code.md).

const encoder = new TextEncoder();
/** A byte order mark is kept, so that who reads the text can refuse it. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A text as UTF-8. */
export function textBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text that UTF-8 bytes say; what is no UTF-8 becomes replacement characters. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** A number as four little-endian bytes. */
export function u32Bytes(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

/** The little-endian number at a place; outside of the bytes there are zeros. */
export function u16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

/** The same in network order. */
export function be16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

export function u32At(bytes: Uint8Array, at: number): number {
  return (u16At(bytes, at) | (u16At(bytes, at + 2) << 16)) >>> 0;
}
