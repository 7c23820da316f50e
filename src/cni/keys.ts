// Field names the way Go reads them: without regard to case. Runtimes rely on it: containerd sends `HostPort`
// and the like inside runtimeConfig (go-cni's structs carry no JSON names).

/**
 * The keys that are read at one level: `true` for a value that is taken as it is, a tree for what lies below
 * it.
 */
export interface KeyTree {
  readonly [key: string]: KeyTree | true;
}

export type Fields = { readonly [key: string]: unknown };

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A copy of `value` that holds only the known keys, under their right names. A key in its right spelling
 * beats others, of several others the last one counts. A null field counts as absent, as in Go. Lists are
 * gone through, two deep at most (range sets), so that hostile nesting costs nothing. Anything else is
 * returned as it is.
 */
export function normaliseKeys(value: unknown, known: KeyTree, listDepth = 2): unknown {
  if (Array.isArray(value)) {
    return listDepth === 0 ? value : value.map((item) => normaliseKeys(item, known, listDepth - 1));
  }
  if (!isFields(value)) return value;
  const names = Object.keys(known);
  const found: { [key: string]: unknown } = {};
  for (const key of Object.keys(value)) {
    const name = knownName(key, names);
    const field = value[key];
    if (name === undefined || field === null) continue;
    const rightSpelling = value[name] ?? undefined;
    if (key !== name && rightSpelling !== undefined) continue;
    const below = known[name];
    found[name] = below === undefined || below === true ? field : normaliseKeys(field, below);
  }
  return found;
}

function knownName(key: string, names: string[]): string | undefined {
  if (names.includes(key)) return key;
  const lower = key.toLowerCase();
  for (const name of names) if (name.length === key.length && name.toLowerCase() === lower) return name;
  return undefined;
}
