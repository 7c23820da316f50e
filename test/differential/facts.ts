// What is known of a place or a call, flat: a path that names the fact, and its value as text. Two maps of
// this kind are compared line by line, so that a difference has a name.

export type Facts = Map<string, string>;

/** Puts every leaf of a JSON value below `path`. Lists count from 0; an empty list or object is a leaf. */
export function flatten(value: unknown, path: string, into: Facts): void {
  const entries = value !== null && typeof value === "object" ? Object.entries(value) : [];
  if (entries.length === 0) into.set(path, typeof value === "string" ? value : JSON.stringify(value));
  for (const [key, each] of entries)
    flatten(each, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, into);
}

/** Copies facts, with a word in front of their paths. */
export function addBelow(prefix: string, facts: Facts, into: Facts): void {
  for (const [path, value] of facts) into.set(`${prefix}.${path}`, value);
}

/** What is there now and was not, is not as it was, or is gone. */
export function changedFacts(before: Facts, after: Facts): Facts {
  const changed: Facts = new Map();
  for (const [path, value] of after) if (before.get(path) !== value) changed.set(path, value);
  for (const path of before.keys()) if (!after.has(path)) changed.set(path, "gone");
  return changed;
}
