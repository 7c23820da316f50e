// Asks the engine's allocator (engine/pontoon/src/arena.rs) for blocks of every size class, some of them from
// the kernel.
import { writeAll } from "../../../src/sys/stream.ts";

const MIB = 1 << 20;
const PAGE = 4096;

/** Numbers that look like chance and are the same each time (xorshift). */
function* chance(): Generator<number> {
  for (let state = 88675123; ; ) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

/**
 * True when a block holds its mark at both ends, in the middle and once a page: another block in its place
 * would show.
 */
function holds(bytes: Uint8Array, mark: number): boolean {
  for (let at = 0; at < bytes.length; at += PAGE) if (bytes[at] !== mark) return false;
  return bytes.at(-1) === mark && bytes[bytes.length >> 1] === mark;
}

/** How many blocks did not hold their own mark to the end, of many that were made and dropped in turn. */
function damaged(): number {
  const numbers = chance();
  const next = (): number => numbers.next().value as number;
  const held: Uint8Array[] = [];
  let wrong = 0;
  for (let round = 0; round < 4000; round++) {
    const at = next() % 200;
    const old = held[at];
    if (old !== undefined && !holds(old, at)) wrong += 1;
    // Sizes of 1 to 2^19 bytes, each power of two as often as any other.
    held[at] = new Uint8Array(1 + (next() % (1 << (next() % 20)))).fill(at);
  }
  for (const [at, bytes] of held.entries()) if (bytes !== undefined && !holds(bytes, at)) wrong += 1;
  return wrong;
}

/** A list that grows beyond what a small block holds and shrinks again keeps its elements. */
function grown(): boolean {
  const list: number[] = [];
  for (let at = 0; at < 200_000; at++) list.push(at);
  const whole = list.every((item, at) => item === at);
  list.length = 10;
  return whole && list.join() === "0,1,2,3,4,5,6,7,8,9";
}

/** How many MiB there are until the engine says that there is no more. */
function most(): number {
  const held: Uint8Array[] = [];
  try {
    for (;;) held.push(new Uint8Array(MIB));
  } catch {
    return held.length;
  }
}

export function main(): number {
  writeAll(1, JSON.stringify({ damaged: damaged(), grown: grown(), mostMiB: [most(), most()] }), "stdout");
  return 0;
}
