// A hop of a way.
import type { Finding } from "../finding.ts";

/** A hop: what holds there, or the fault that ends the way. */
export interface Hop {
  sentence: string;
  fault?: Finding | undefined;
}
