// Paths of keys, as in `ipam.ranges.subnet`; lists are no part of them.
import { isList, type KeyTree, type Kind, type PlainKind } from "../../../src/cni/keys.ts";

/** The path of every key in a tree, with its kind. */
export function kindsOf(tree: KeyTree): [path: string, kind: Kind][] {
  return Object.entries(tree).flatMap(([key, kind]) => [
    [key, kind] as [string, Kind],
    ...kindsOf(treeOf(kind)).map(([path, below]) => [`${key}.${path}`, below] as [string, Kind]),
  ]);
}

/** The path of every key in a tree. */
export function keysOf(tree: KeyTree): string[] {
  return kindsOf(tree).map(([path]) => path);
}

/** The keys of an object, or of the objects in a list; none for a plain value. */
function treeOf(kind: Kind): KeyTree {
  if (isPlain(kind)) return {};
  return isList(kind) ? treeOf(kind[0]) : kind;
}

export function isPlain(kind: Kind): kind is PlainKind | true {
  return typeof kind !== "object";
}
