// A tree of keys as a schema of zod, which explains wrong types. It is built only for a configuration in
// which shape.ts found a value of a wrong type.
import * as z from "zod/mini";
import { CniError } from "./error.ts";
import { type Fields, isFields, isList, type KeyTree, type Kind } from "./keys.ts";
import type { Problems } from "./problems.ts";

/**
 * The fields that the tree knows. A value of a wrong type is reported and left out of the answer. Throws
 * CniError 7 when there are more wrong values than zod can report.
 */
export function explainShape(fields: Fields, tree: KeyTree, problems: Problems): Fields {
  const schema = buildSchema(tree);
  const first = attemptParse(schema, fields);
  if (first.success) return first.data;
  for (const { path, ...issue } of first.error.issues) {
    const expected = issue.code === "invalid_type" ? issue.expected : "int";
    const where = pathText(path);
    const more = expected === "array" && /ranges/i.test(where) ? RANGES : "";
    problems.add(
      where,
      valueAt(fields, path),
      `${ALLOWED[expected] ?? `must be of type ${expected}`}${more}`,
    );
  }
  // The fields that are left are optional, so the second parse reports nothing.
  return schema.parse(
    withoutPaths(
      fields,
      first.error.issues.map(({ path }) => path),
    ),
  );
}

/**
 * The outcome of a parse. zod passes the problems of a list as arguments, of which an engine takes 65,535 at
 * most.
 */
function attemptParse(schema: ReturnType<typeof buildSchema>, fields: Fields) {
  try {
    return schema.safeParse(fields);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CniError("invalidConfig", {
      about: "more values of a wrong type than can be told",
      hint: "Correct the configuration; nothing was changed",
    });
  }
}

/** The schema of an object with these keys. */
export function buildSchema(tree: KeyTree) {
  // The engine makes no code at run time.
  z.config({ jitless: true });
  return objectOf(tree, new Map());
}

/** The schemas made so far, by kind. Making a schema costs more than all else here. */
type Made = Map<Kind, z.ZodMiniType>;

function objectOf(tree: KeyTree, made: Made) {
  return z.object(
    Object.fromEntries(Object.entries(tree).map(([key, kind]) => [key, optionalOf(kind, made)])),
  );
}

function optionalOf(kind: Kind, made: Made): z.ZodMiniType {
  const schema = made.get(kind) ?? z.optional(schemaOf(kind, made));
  made.set(kind, schema);
  return schema;
}

function schemaOf(kind: Kind, made: Made): z.ZodMiniType {
  if (isList(kind)) return z.array(schemaOf(kind[0], made));
  if (typeof kind === "object") return objectOf(kind, made);
  switch (kind) {
    case "text":
      return z.string();
    case "flag":
      return z.boolean();
    case "whole":
      return z.int();
    case "fields":
      return z.record(z.string(), z.unknown());
    case true:
      return z.unknown();
  }
}

const ALLOWED: { readonly [expected: string]: string } = {
  string: "must be text in quotes",
  boolean: "must be true or false, without quotes",
  number: "must be a whole number, without quotes",
  int: "must be a whole number",
  array: "must be a list",
  object: "must be an object",
  record: "must be an object",
};

const RANGES = '; ranges are a list of lists, as in [[{ "subnet": "10.1.0.0/16" }]]';

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) => (typeof part === "number" ? `[${part}]` : `${at === 0 ? "" : "."}${String(part)}`))
    .join("");
}

function valueAt(fields: Fields, path: readonly PropertyKey[]): unknown {
  let value: unknown = fields;
  for (const part of path) value = (value as { readonly [key: PropertyKey]: unknown })[part];
  return value;
}

/**
 * A copy without the fields that the paths lead through; in `ipam` and `runtimeConfig` only the field below
 * goes.
 */
function withoutPaths(fields: Fields, paths: (readonly PropertyKey[])[]): Fields {
  const kept: { [key: string]: unknown } = { ...fields };
  for (const [key, below] of paths) {
    const section = kept[String(key)];
    if ((key !== "ipam" && key !== "runtimeConfig") || below === undefined || !isFields(section))
      delete kept[String(key)];
    else kept[String(key)] = { ...section, [below]: undefined };
  }
  return kept;
}
