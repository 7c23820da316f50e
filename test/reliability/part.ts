// What the suite is made of: parts, each with cases that have names, and the order in which they are played.

/** One part of the suite. Its cases have names, so that each can be played again alone. */
export interface Part {
  name: string;
  /** What has to be true in every case, as one sentence. */
  promise: string;
  /**
   * The names of all cases, words divided by blanks. Absent: a case is a number from which it is made, and
   * there is no end of them.
   */
  cases?: () => Promise<CaseList>;
  /**
   * What the first word of a name says, such as the variant: each has the same number of cases played,
   * however many it has. Absent: the names are one list.
   */
  firstWord?: string;
  /** Opens what cases share, such as a host. It is used again for as long as no case finds anything. */
  open: () => Promise<Bench>;
}

export interface CaseList {
  names: string[];
  /** What is left out on purpose, and why: a line each. */
  leftOut?: string[];
}

/** Where cases of one part are played, one after the other. */
export interface Bench extends AsyncDisposable {
  /** Plays one case; gives a sentence for each thing that is wrong. */
  play: (name: string) => Promise<string[]>;
  /** How many calls of the executable, or of a function under test, there were so far. */
  readonly calls: number;
}

/** Numbers from 0 on and below 1 that follow from a seed (mulberry32). */
export type Random = () => number;

export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 on and below `end`. */
export function below(random: Random, end: number): number {
  return Math.floor(random() * end);
}

/** One of a list that has at least one entry. */
export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)]!;
}

/** The list in an order that follows from the numbers. */
export function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(below(random, left.length), 1));
  return order;
}

/** One of each group in turn, of those that have one left; groups are of names with the same first word. */
export function dealt(names: readonly string[]): string[] {
  const groups = [...Map.groupBy(names, firstWordOf).values()];
  const longest = Math.max(0, ...groups.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => groups.flatMap((group) => group[at] ?? [])).flat();
}

export function firstWordOf(name: string): string {
  return name.split(" ", 1)[0]!;
}

/** True when each of the words is a word of the name. */
export function hasWords(name: string, words: readonly string[]): boolean {
  const own = name.split(" ");
  return words.every((word) => own.includes(word));
}
