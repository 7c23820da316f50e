// The name that a person may have meant by an unknown word.

/**
 * The most similar name: it begins with `word`, or at most a third of the letters differ. Undefined when
 * there is none.
 */
export function similarName(word: string, names: readonly string[]): string | undefined {
  const limit = Math.floor(word.length / 3);
  const near = names
    .map((name) => ({ name, steps: isBeginning(word, name) ? 0 : distance(word, name) }))
    .filter(({ steps }) => steps <= limit)
    .sort((a, b) => a.steps - b.steps);
  return near[0]?.name;
}

/** True for a word of two letters or more with which the name begins. */
function isBeginning(word: string, name: string): boolean {
  return word.length >= 2 && name.startsWith(word);
}

/**
 * The number of letters that are wrong, missing, too many, or swapped with the next letter (optimal string
 * alignment distance); Infinity where it is more than `limit`, as soon as that is known.
 */
export function distance(from: string, to: string, limit = Infinity): number {
  if (Math.abs(from.length - to.length) > limit) return Infinity;
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= to.length; column++) {
      const isEqual = from[row - 1] === to[column - 1];
      const isSwapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const steps = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (isEqual ? 0 : 1),
        isSwapped ? beforeLast[column - 2]! + 1 : Infinity,
      );
      current[column] = steps;
      if (steps < least) least = steps;
    }
    // No later row has less than the least of this one.
    if (least > limit) return Infinity;
    [beforeLast, last] = [last, current];
  }
  return last[to.length]! > limit ? Infinity : last[to.length]!;
}
