// Answers of the kernel that are kept while many attachments are looked at: each of them would ask for the
// same tables.

let kept: Map<string, unknown> | undefined;

/**
 * Runs an action in which equal looks ({@link recall}) are made once. Nothing may change the tables
 * meanwhile.
 */
export function recalling<T>(action: () => T): T {
  kept = new Map();
  try {
    return action();
  } finally {
    kept = undefined;
  }
}

/** The answer of a look; while {@link recalling} runs, that of the first look with this name. */
export function recall<T>(name: () => string, look: () => T): T {
  if (kept === undefined) return look();
  const id = name();
  if (!kept.has(id)) kept.set(id, look());
  return kept.get(id) as T;
}
