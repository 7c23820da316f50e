// One pass of work for a burst of reasons.

/** The times of a trigger, in ms. */
export interface TriggerPace {
  /** A pass begins when no reason came for so long. */
  quietMs: number;
  /** And no later than this after the first reason. */
  mostMs: number;
}

export const TRIGGER_PACE: TriggerPace = { quietMs: 100, mostMs: 1000 };

/**
 * Collects reasons for a pass. One reader waits for `due`; reasons that come while it works count for the
 * next.
 */
export class Trigger {
  readonly #pace: TriggerPace;
  #first: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;
  #wake: (() => void) | undefined;

  constructor(pace: TriggerPace = TRIGGER_PACE) {
    this.#pace = pace;
  }

  /** True when a reason waits for its pass. */
  get hasReason(): boolean {
    return this.#isDue || this.#timer !== undefined;
  }

  /** A reason for a pass, soon. */
  poke(): void {
    const now = performance.now();
    this.#first ??= now;
    this.#set(Math.min(this.#pace.quietMs, Math.max(0, this.#first + this.#pace.mostMs - now)));
  }

  /** A reason for a pass at the latest after so long. */
  pokeAfter(ms: number): void {
    if (!this.hasReason) this.#set(ms);
  }

  /** Resolves when a pass is to begin, or at the abort. */
  async due(signal: AbortSignal): Promise<void> {
    while (!this.#isDue && !signal.aborted)
      await new Promise<void>((done) => {
        const wake = (): void => {
          signal.removeEventListener("abort", wake);
          done();
        };
        this.#wake = wake;
        signal.addEventListener("abort", wake);
      });
    this.#isDue = false;
  }

  #set(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#first = undefined;
      this.#isDue = true;
      this.#wake?.();
    }, ms);
  }
}
