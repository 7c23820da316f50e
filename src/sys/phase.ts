// The time that the parts of a call take, kept only where somebody asked for it.
import { monotonicMs } from "./clock.ts";

/** A part of the call and when it began, in milliseconds of the monotonic clock. */
interface Phase {
  name: string;
  began: number;
}

let phases: Phase[] | undefined;

let areParts = false;

/** Keeps the phases of this call from now on, and with `parts` their parts; the first one has that name. */
export function keepPhases(name: string, parts: boolean): void {
  phases = [{ name, began: monotonicMs() }];
  areParts = parts;
}

/** The next phase begins. Nothing where nobody asked for phases. */
export function phase(name: string): void {
  phases?.push({ name, began: monotonicMs() });
}

/** A part of a phase begins, which counts as a phase where somebody asked for parts. */
export function phasePart(name: string): void {
  if (areParts) phase(name);
}

/**
 * The milliseconds of each phase so far, in their order, and their sum as `total`; a phase that came twice
 * counts twice. None where nobody asked.
 */
export function phaseTimes(): Record<string, number> {
  const times: Record<string, number> = {};
  const now = monotonicMs();
  for (const [at, { name, began }] of (phases ?? []).entries())
    times[name] = rounded((times[name] ?? 0) + (phases?.[at + 1]?.began ?? now) - began);
  const [first] = phases ?? [];
  return first === undefined ? times : { total: rounded(now - first.began), ...times };
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
