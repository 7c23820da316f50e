// The native functions that the executable's engine has (src/sys/native.ts), for tests that run in process:
// the global object `native`, by the Node add-on engine/addon. vitest loads this file before each test file;
// a program of its own that uses src imports it first.
import { join } from "node:path";
import type { Native } from "../../src/sys/native.ts";
import { REPOSITORY } from "./tool.ts";

/** System calls that only tests need. Each gives a number from 0 on, or -errno. */
interface Testing {
  /** `pair` has eight bytes, for two descriptors. */
  socketpair(domain: number, type: number, protocol: number, pair: Uint8Array): number;
  /** `address` is a struct sockaddr of whichever family. */
  sendto(fd: number, bytes: Uint8Array, address: Uint8Array): number;
}

const addOn = { exports: {} as { native: Native; testing: Testing } };
process.dlopen(addOn, join(REPOSITORY, ".tools/addon/release/libaddon.so"));
Object.assign(globalThis, { native: addOn.exports.native });

export const { testing } = addOn.exports;
