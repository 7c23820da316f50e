import { check } from "./errno.ts";
import { libc } from "./libc.ts";

/** `count` random bytes (at most 256) from the kernel. Cheaper at first use than crypto.getRandomValues. Throws SystemError. */
export function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  check(libc.getrandom(bytes, count, 0), "get random bytes");
  return bytes;
}
