// Differences that a kind of steps finds.
import type { Difference } from "../../src/host/difference.ts";

/** The sentence of a difference; undefined where there is none. */
export function sentenceOf(found: Difference | string | undefined): string | undefined {
  return typeof found === "object" ? found.sentence : found;
}
