// The outcome of one measurement of a trial.

/** `skipped`: there was nothing to measure, and the text says why. */
export interface Finding {
  state: "passed" | "failed" | "skipped";
  /** A line without a full stop. It may hold words of others. */
  text: string;
}

/** The finding of a measurement that should succeed: `silence` is the reason why it did not. */
export function findingOf(text: string, silence: string | undefined): Finding {
  return silence === undefined ? { state: "passed", text } : { state: "failed", text: `${text}: ${silence}` };
}

/** The finding about something that could not be measured. */
export function skipped(text: string): Finding {
  return { state: "skipped", text };
}
