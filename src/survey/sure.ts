// Looking again at what seems wrong: an ADD or DEL that runs meanwhile has done a part of its work.
import { pause } from "../sys/clock.ts";

/** The time between two looks: on a busy node an ADD or DEL needs less from its first change to its last. */
const BETWEEN_MS = 100;

/** The most looks. On a node where something changes all the time, the last one has to do. */
const MOST_LOOKS = 5;

/** A look, and the things that it found wrong, in words by which those of two looks are compared. */
export interface Look<T> {
  seen: T;
  doubts: ReadonlySet<string>;
}

/**
 * Looks until each thing that is wrong was wrong in the look before, too; once where nothing is. Gives the
 * last look, with those things alone that were wrong in two looks in a row.
 */
export function lookUntilSure<T>(look: () => Look<T>, wait: (milliseconds: number) => void = pause): Look<T> {
  let { seen, doubts } = look();
  let before: ReadonlySet<string> = new Set();
  for (let looks = 1; looks < MOST_LOOKS && [...doubts].some((each) => !before.has(each)); looks++) {
    wait(BETWEEN_MS);
    before = doubts;
    ({ seen, doubts } = look());
  }
  return { seen, doubts: new Set([...doubts].filter((each) => before.has(each))) };
}
