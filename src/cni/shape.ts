// The test of types: whether the values of a configuration are of the kinds that the tree of keys says. It
// makes nothing, since every call pays for it; netconf-schema.ts explains what is wrong.
import { type Fields, isFields, isList, type KeyTree, type Kind, type PlainKind } from "./keys.ts";
import { explainShape } from "./netconf-schema.ts";
import type { Problems } from "./problems.ts";

/**
 * The type of a value of the kind `Known`. Every key is optional: what must be there is a question of
 * meaning.
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
 * others. A value of a wrong type is reported and left out of the answer. Throws code 7 for more wrong values
 * than can be told.
 */
export function parseShape<Tree extends KeyTree>(
  fields: Fields,
  tree: Tree,
  problems: Problems,
): ShapeOf<Tree> {
  return (haveShape(fields, tree) ? fields : explainShape(fields, tree, problems)) as ShapeOf<Tree>;
}

/** An absent field passes, and so does a field that the tree does not know. */
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
