// Things in groups.

/** The things by their ids; groups, and the things of each, keep their order. */
export function groupBy<T>(things: readonly T[], idOf: (thing: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const thing of things) {
    const id = idOf(thing);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [thing]);
    else group.push(thing);
  }
  return groups;
}
