// Waiting between tries, longer each time.

/** The least and the longest wait, in milliseconds. */
export interface BackoffLimits {
  firstMs: number;
  mostMs: number;
}

/**
 * Waits that double from `firstMs` to `mostMs`, each shortened by up to a half at random, so that the agents
 * of many nodes do not come back together.
 */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #failures = 0;

  constructor(limits: BackoffLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /** The next wait. A server's own wish (Retry-After) is the least of it. */
  next(leastMs = 0): number {
    const { firstMs, mostMs } = this.#limits;
    const full = Math.min(firstMs * 2 ** Math.min(this.#failures, 30), mostMs);
    this.#failures += 1;
    return Math.round(leastMs + full * (1 - this.#random() / 2));
  }

  /** Starts again with the least wait, after a success. */
  reset(): void {
    this.#failures = 0;
  }

  get failures(): number {
    return this.#failures;
  }
}

/** Waits; an abort ends the wait early, without an error. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
