// The hash of the program, and the one of the reference plugins' names.
import { native } from "./native.ts";

/** SHA-256 of a text as UTF-8, in 64 hexadecimal digits (FIPS 180-4). */
export function sha256(text: string): string {
  return native.sha256(text);
}

/** SHA-512, in 128 digits: by it the reference plugins name what they make. */
export function sha512(text: string): string {
  return native.sha512(text);
}
