// Two maps of facts and a list of differences that are meant: what is left to explain. Pure.
import type { Facts } from "./facts.ts";
import { type Difference, NOTHING } from "./row.ts";

/** A fact that is not the same on both sides. */
export interface Found {
  path: string;
  ours: string;
  reference: string;
}

export interface Comparison {
  /** Differences that nobody explained. */
  unexplained: Found[];
  /** Explanations for which there is no difference. */
  stale: Difference[];
  /** Explanations that were needed. */
  used: Difference[];
}

/** Explains each difference by the first entry that fits; `own` has to be used up, `shared` need not. */
export function compare(ours: Facts, reference: Facts, own: Difference[], shared: Difference[]): Comparison {
  const used = new Set<Difference>();
  const unexplained = differencesOf(ours, reference).filter((found) => {
    const fitting = [...own, ...shared].filter((entry) => explains(entry, found));
    // All of the row's own that fit count as used: one may be wider than another.
    for (const entry of fitting.slice(0, 1)) used.add(entry);
    return fitting.length === 0;
  });
  return { unexplained, stale: own.filter((entry) => !used.has(entry)), used: [...used] };
}

function differencesOf(ours: Facts, reference: Facts): Found[] {
  const paths = [...new Set([...ours.keys(), ...reference.keys()])].sort();
  return paths
    .map((path) => ({ path, ours: ours.get(path) ?? NOTHING, reference: reference.get(path) ?? NOTHING }))
    .filter((found) => found.ours !== found.reference);
}

function explains({ where, ours, reference, apart = [] }: Difference, found: Found): boolean {
  return (
    matches(where, found.path) &&
    (ours ?? found.ours) === found.ours &&
    (reference ?? found.reference) === found.reference &&
    (apart.length === 0 || without(apart, found.ours) === without(apart, found.reference))
  );
}

function without(words: string[], value: string): string {
  return value
    .split(" ")
    .filter((word) => !words.some((pattern) => matches(pattern, word)))
    .join(" ");
}

const compiled = new Map<string, RegExp>();

/** A star stands for any text, a question mark for one character. */
export function matches(pattern: string, path: string): boolean {
  const known = compiled.get(pattern) ?? compile(pattern);
  compiled.set(pattern, known);
  return known.test(path);
}

function compile(pattern: string): RegExp {
  const literal = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}

/** For a person: one line each. */
export function report({ unexplained, stale }: Comparison): string[] {
  return [
    ...unexplained.map(
      ({ path, ours, reference }) =>
        `different, and the table does not say why: ${path} is "${ours}" here and "${reference}" with the reference`,
    ),
    ...stale.map(({ where, why }) => `no longer different, so take it out of the table: ${where} (${why})`),
  ];
}
