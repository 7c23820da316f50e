// Field names the way Go reads them: without regard to case. Runtimes rely on it: containerd sends `HostPort`
// and the like inside runtimeConfig (go-cni's structs carry no JSON names).

/** The kind of a plain value: a string, a boolean, a whole number, or an object whose keys are free. */
export type PlainKind = "text" | "flag" | "whole" | "fields";

/**
 * The kind of a key's value, as plain data. A list is written as a list with one entry, the kind of its
 * items; an object is written as the tree of its keys. `true` stands for any value.
 */
export type Kind = PlainKind | readonly [Kind] | KeyTree | true;

/** The keys of an object, each of which may be absent. */
export interface KeyTree {
  readonly [key: string]: Kind;
}

export type Fields = { readonly [key: string]: unknown };

/** True for an object of JSON; a list is none. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True for the kind of a key whose value is a list of such members. */
export function isList(kind: Kind): kind is readonly [Kind] {
  return Array.isArray(kind);
}

/** Is told of a key that nobody reads, and of the place of the object that has it. */
export type OnUnread = (key: string, path: string) => void;

/** The place of what stands below `key` of the object at `path`; the path of the whole is empty. */
export function placeBelow(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** A listener for keys that nobody reads, and the place of the object that is read. */
interface Reading {
  path: string;
  onUnread: OnUnread;
}

/**
 * A copy of `value` in which objects hold only the known keys, under their right names. A key in its right
 * spelling beats other spellings; of several other spellings the last counts. A null field counts as absent,
 * as in Go. An object in the place of a list counts as a list with this item, since go-cni sends a flat list
 * for a list of lists. Any other value of a wrong kind stays as it is. The walk goes as deep as `known`, so
 * hostile nesting costs nothing. `onUnread` hears of the keys that are no known ones, null fields too.
 */
export function normaliseKeys(value: unknown, known: Kind, onUnread?: OnUnread): unknown {
  return readKeys(value, known, onUnread && { path: "", onUnread });
}

function readKeys(value: unknown, known: Kind, reading: Reading | undefined): unknown {
  if (typeof known !== "object") return value;
  if (isList(known)) {
    const [item] = known;
    if (typeof item !== "object") return value;
    return Array.isArray(value)
      ? value.map((each) => readKeys(each, item, reading))
      : readKeys(value, item, reading);
  }
  if (!isFields(value)) return value;
  const found: { [key: string]: unknown } = {};
  for (const key of Object.keys(value)) {
    const field = value[key];
    const name = Object.hasOwn(known, key) ? key : otherSpelling(key, known);
    if (name === undefined) {
      reading?.onUnread(key, reading.path);
      continue;
    }
    // The right spelling beats another one.
    if (field === null || (name !== key && (value[name] ?? null) !== null)) continue;
    const below = known[name];
    found[name] =
      typeof below === "object" ? readKeys(field, below, reading && readingBelow(reading, name)) : field;
  }
  return found;
}

function readingBelow({ path, onUnread }: Reading, name: string): Reading {
  return { path: placeBelow(path, name), onUnread };
}

/** The known key that `key` is another spelling of. */
function otherSpelling(key: string, known: KeyTree): string | undefined {
  for (const name of Object.keys(known))
    if (name.length === key.length && name.toLowerCase() === key.toLowerCase()) return name;
  return undefined;
}
