// The hash in Pontoon's names, and the hash in the reference plugins' names.
import { native } from "./native.ts";

/** SHA-256 of a text as UTF-8, in 64 hexadecimal digits (FIPS 180-4). */
export function sha256(text: string): string {
  return native.sha256(text);
}

/** SHA-512 of a text, in 128 hexadecimal digits: the reference plugins make names with it. */
export function sha512(text: string): string {
  return native.sha512(text);
}
