import { check } from "./errno.ts";
import { native } from "./native.ts";

/** `count` random bytes (at most 256) from the kernel. Throws SystemError. */
export function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  check(native.getrandom(bytes), "get random bytes");
  return bytes;
}
