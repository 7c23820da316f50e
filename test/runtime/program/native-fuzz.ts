// Calls native functions with whatever a script can hand over: wrong types, numbers of every size, buffers
// that are detached or shrink while an argument is read. Arguments: a seed, and how many calls. Says "done".
import { native } from "../../../src/sys/native.ts";

type Call = (...args: unknown[]) => unknown;

/** These end or hold up the process as they are asked to. `spawn` gets no file that is there. */
const LEFT_OUT = ["abort", "usleep", "poll"];

const functions = native as unknown as Record<string, Call>;
let state = 0;

/** A whole number from 0 on and below `end` (xorshift). */
function below(end: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % end;
}

function oneOf<T>(list: readonly T[]): T {
  return list[below(list.length)]!;
}

const NUMBERS = [
  0,
  1,
  2,
  3,
  5,
  7,
  50,
  255,
  256,
  4096,
  65536,
  -0,
  -1,
  -2,
  -100,
  0.5,
  1e9,
  2147483647,
  2147483648,
  4294967295,
  4294967296,
  -2147483648,
  -2147483649,
  9007199254740991,
  -9007199254740991,
  1e300,
  -1e300,
  Infinity,
  -Infinity,
  NaN,
];
const TEXTS = [
  "",
  "x",
  "\0",
  "a\0b",
  "/nowhere/x",
  "\ud800",
  "é".repeat(1000),
  "a".repeat(5_000),
  "../..",
  "__proto__",
];

function bytes(): Uint8Array {
  const size = oneOf([0, 1, 7, 8, 16, 100, 256, 4096, 20_000]);
  const whole = new Uint8Array(size);
  if (below(3) === 0) return whole.subarray(below(size + 1), below(size + 1));
  if (below(4) === 0) return new Uint8Array(new ArrayBuffer(size, { maxByteLength: 2 * size + 8 }), 0);
  return whole;
}

function detached(): Uint8Array {
  const list = bytes();
  (list.buffer as ArrayBuffer).transfer();
  return list;
}

/**
 * A value that takes a buffer away, or makes it smaller, in the moment when it is read as a number or text.
 */
function treacherous(victim: Uint8Array): unknown {
  const strike = (): number => {
    const buffer = victim.buffer as ArrayBuffer;
    if (buffer.detached === false) buffer.resizable ? buffer.resize(0) : buffer.transfer();
    return 5;
  };
  return oneOf([
    { valueOf: strike, toString: () => String(strike()) },
    { [Symbol.toPrimitive]: strike },
    new Proxy({}, { get: strike }),
    {
      get length(): number {
        return strike();
      },
      0: "a",
    },
  ]);
}

function other(): unknown {
  return oneOf<() => unknown>([
    () => undefined,
    () => null,
    () => true,
    () => 12345678901234567890n,
    () => Symbol("x"),
    () => ({}),
    () => [],
    () => ["a", "b"],
    () => ["a", 5, null],
    () => new Array(5_000),
    () => ({ length: 4294967295 }),
    () => ({ length: -1 }),
    () => below,
    () => new DataView(new ArrayBuffer(8)),
    () => new Uint16Array(8),
    () => new Float64Array(3),
    () => new ArrayBuffer(8),
    () => /x/,
    () => native,
    () => new (class extends Uint8Array {})(8),
    () => Object.create(Uint8Array.prototype),
    () => Object.setPrototypeOf(new Uint8Array(4), null),
    () => new Proxy(new Uint8Array(4), {}),
  ])();
}

function argument(victim: Uint8Array): unknown {
  switch (below(8)) {
    case 0:
    case 1:
      return oneOf(NUMBERS);
    case 2:
      return oneOf(TEXTS);
    case 3:
      return bytes();
    case 4:
      return victim;
    case 5:
      return detached();
    case 6:
      return treacherous(victim);
    default:
      return below(5000) === 0 ? "y".repeat(10_000_000) : other();
  }
}

/** These give a descriptor. It is closed again: a later call would wait for what never comes by it. */
const OPENING = ["open", "memfd_create", "pidfd_open", "signalfd", "socket"];

/** True for a number that leads to a standard stream when it is cut to 32 bits. */
function isStandardStream(fd: unknown): boolean {
  return typeof fd === "number" && (fd | 0) >= 0 && (fd | 0) < 4;
}

function callOne(name: string): void {
  const victim = bytes();
  const args = Array.from({ length: below(8) }, () => argument(victim));
  // The standard streams stay as they are, and nothing waits for what comes by them or for a packet.
  if (["close", "fchmod", "read", "write"].includes(name) && isStandardStream(args[0])) return;
  if (name === "spawn" || name === "launch") args[0] = oneOf(["/nowhere/x", "", "\0", undefined]);
  // Any other number may be the group of somebody.
  if (name === "kill_group") args[0] = oneOf([-1, 0, 1, 2 ** 31 - 1, 2 ** 32, 2 ** 32 + 1, "", undefined]);
  if (name === "recv") args[2] = 0x40;
  // No mount of the machine changes.
  if (name === "mount") args[1] = oneOf(["/nowhere/x", "", "\0", undefined]);
  if (name === "umount") args[0] = oneOf(["/nowhere/x", "", "\0", undefined]);
  try {
    const result = functions[name]!(...args);
    if (typeof result === "number" && result > 3 && OPENING.includes(name)) native.close(result);
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof RangeError) && !isOurs(error)) throw error;
  }
}

/** What the engine says without memory, and what a proxy or an odd value throws. */
function isOurs(error: unknown): boolean {
  return error instanceof Error && ["InternalError", "Error", "SyntaxError"].includes(error.name);
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : typeof error;
}

export function main(): number {
  const [seed = "1", count = "1000"] = native.argv();
  state = Number(seed) | 1;
  const names = Object.keys(functions).filter((name) => !LEFT_OUT.includes(name));
  for (let call = 0; call < Number(count); call++) {
    const name = oneOf(names);
    try {
      callOne(name);
    } catch (error) {
      native.write(2, native.encode(`call ${call}, ${name}: ${describe(error)}\n`));
      return 1;
    }
  }
  native.write(1, native.encode(`done ${names.length} functions\n`));
  return 0;
}
