// The test of types: whether the values of a configuration are of the kinds in the tree of keys. It allocates
// nothing, since every call pays for it; netconf-schema.ts explains the problems.
import { type Fields, isFields, isList, type KeyTree, type Kind, type PlainKind } from "./keys.ts";
import { explainShape } from "./netconf-schema.ts";
import type { Problems } from "./problems.ts";

/**
 * The type of a value of the kind `Known`. Every key is optional: required keys are a question of meaning.
 */
export type ShapeOf<Known> = Known extends PlainKind
  ? Plain[Known]
  : Known extends true
    ? unknown
    : Known extends readonly [infer Item]
      ? ShapeOf<Item>[]
      : { -readonly [Key in keyof Known]?: ShapeOf<Known[Key]> | undefined };

interface Plain {
  text: string;
  flag: boolean;
  whole: number;
  fields: Fields;
}

/**
 * The fields as values of known types. They must come from normaliseKeys with the keys of `tree` among
 * others. A value of a wrong type is reported and left out of the answer. Throws CniError 7 when there are
 * more wrong values than can be reported.
 */
export function parseShape<Tree extends KeyTree>(
  fields: Fields,
  tree: Tree,
  problems: Problems,
): ShapeOf<Tree> {
  return (haveShape(fields, tree) ? fields : explainShape(fields, tree, problems)) as ShapeOf<Tree>;
}

/** True when all known fields have their kinds. Absent and unknown fields pass. */
function haveShape(fields: Fields, tree: KeyTree): boolean {
  for (const key of Object.keys(fields)) {
    const kind = tree[key];
    const value = fields[key];
    if (kind !== undefined && value !== undefined && !isOfKind(value, kind)) return false;
  }
  return true;
}

function isOfKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case "text":
      return typeof value === "string";
    case "flag":
      return typeof value === "boolean";
    case "whole":
      return Number.isSafeInteger(value);
    case "fields":
      return isFields(value);
    case true:
      return true;
  }
  if (isList(kind)) return Array.isArray(value) && value.every((item) => isOfKind(item, kind[0]));
  return isFields(value) && haveShape(value, kind);
}
