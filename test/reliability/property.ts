// What fast-check says of a property, as far as the suite needs it.
import type { RunDetails } from "fast-check";

export interface Failure {
  /** The smallest input that was found. */
  smallest: unknown;
  why: string;
}

/** The smallest failing input with its error; undefined when all runs were content. */
export function failureOf<Input>(details: RunDetails<Input>): Failure | undefined {
  if (!details.failed) return undefined;
  const { errorInstance, counterexample } = details;
  const why =
    errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance);
  return { smallest: counterexample, why };
}
