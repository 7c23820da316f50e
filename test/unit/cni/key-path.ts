// Paths of keys, as in `ipam.ranges.subnet`; lists are no part of them.
import type { KeyTree } from "../../../src/cni/keys.ts";

/** The path of every key in a tree. */
export function keysOf(tree: KeyTree): string[] {
  return Object.entries(tree).flatMap(([key, below]) => [
    key,
    ...(below === true ? [] : keysOf(below).map((path) => `${key}.${path}`)),
  ]);
}
