// Waiting for something with a name, instead of sleeping for a time that somebody guessed.
import { setTimeout as pause } from "node:timers/promises";

/** Asks again and again until `condition` holds; after the limit it fails with what was waited for. */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 5_000,
  everyMs = 5,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Waited ${limitMs} ms in vain until ${what}.`);
    await pause(everyMs);
  }
}
