// Random trees of attributes from a seed, so that a failure can be seen again.

/** An attribute: bytes, or attributes inside. */
export interface Tree {
  type: number;
  value: Uint8Array | Tree[];
}

/** A small random source (mulberry32): numbers from 0 to below `limit`. */
export function randomSource(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

export function randomTrees(random: (limit: number) => number, depth: number): Tree[] {
  return Array.from({ length: random(6) }, () => ({
    type: random(0x3fff),
    value: depth > 0 && random(3) === 0 ? randomTrees(random, depth - 1) : randomBytes(random, random(40)),
  }));
}

export function randomBytes(random: (limit: number) => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random(256));
}
