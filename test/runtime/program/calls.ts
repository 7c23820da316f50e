// Calls native functions one after the other, as a list on stdin says, and prints what each gave.

import { textOf } from "../../../src/sys/bytes.ts";
import { native } from "../../../src/sys/native.ts";
import { readAll, writeAll } from "../../../src/sys/stream.ts";

/** An argument: a value as it is, bytes, a buffer (again by the same name), or what an earlier call gave. */
export type Argument =
  | number
  | string
  | null
  | string[]
  | { bytes: number[] }
  | { buffer: string; size: number }
  | { result: number };

/** A function by name, with its arguments. */
export type Call = [name: string, ...args: Argument[]];

/** What the calls gave, errors as `TypeError: …`, and what the buffers hold after them. */
export interface Results {
  results: unknown[];
  buffers: Record<string, number[]>;
}

export function makeCalls(calls: Call[]): Results {
  const results: unknown[] = [];
  const buffers: Record<string, Uint8Array> = {};
  const valueOf = (argument: Argument): unknown => {
    if (argument === null || typeof argument !== "object" || Array.isArray(argument)) return argument;
    if ("bytes" in argument) return Uint8Array.from(argument.bytes);
    if ("buffer" in argument) return (buffers[argument.buffer] ??= new Uint8Array(argument.size));
    return results[argument.result];
  };
  for (const [name, ...args] of calls) {
    try {
      const result = (native as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(
        ...args.map(valueOf),
      );
      results.push(result instanceof Uint8Array ? [...result] : result);
    } catch (error) {
      results.push(String(error));
    }
  }
  return {
    results,
    buffers: Object.fromEntries(Object.entries(buffers).map(([name, bytes]) => [name, [...bytes]])),
  };
}

export function main(): number {
  const calls = JSON.parse(textOf(readAll(0, "stdin"))) as Call[];
  writeAll(1, JSON.stringify(makeCalls(calls)), "stdout");
  return 0;
}
