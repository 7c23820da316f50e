// One part during a run: its cases in their order, its bench, and what became of them.
import { setTimeout as pause } from "node:timers/promises";
import { SLOWNESS } from "../support/process.ts";
import { isKnown } from "./known.ts";
import { type Bench, below, dealt, firstWordOf, hasWords, type Part, type Random, shuffled } from "./part.ts";

/** No case takes so long. */
const LIMIT_MS = SLOWNESS * 120_000;

/** A bench is left for a fresh one at this age: its hosts end after ten minutes (test/support/world.ts). */
const OLDEST_MS = 300_000;

/** A case in which something was wrong. */
export interface Finding {
  part: string;
  name: string;
  lines: string[];
  /** False when the case was content on a fresh bench: what was before it, or time, has a share in it. */
  repeats: boolean;
  /** The sentence of the list of known findings. */
  known: string | undefined;
}

export class Turn implements AsyncDisposable {
  readonly part: Part;
  readonly findings: Finding[] = [];
  leftOut: readonly string[] = [];
  played = 0;
  /** How many of these cases there were of each first word, where the part tells what that says. */
  readonly shares = new Map<string, number>();
  calls = 0;
  /** How long the cases of this part took, in milliseconds. */
  spent = 0;
  /** The case that took longest, with its milliseconds. */
  slowest: readonly [number, string] = [0, "none"];
  /** The names of all cases; undefined where there is no end of them. */
  total: number | undefined;
  #names: string[] = [];
  readonly #random: Random;
  readonly #words: readonly string[];
  readonly #benches: { bench: Bench; opened: number }[] = [];

  constructor(part: Part, words: readonly string[], random: Random) {
    this.part = part;
    this.#words = words.filter((word) => word !== part.name);
    this.#random = random;
  }

  /** Learns which cases there are. False when the words choose none of them. */
  async prepare(): Promise<boolean> {
    if (this.part.cases === undefined) {
      const numbers = this.#words.filter((word) => /^\d+$/.test(word));
      if (numbers.length !== this.#words.length) return false;
      if (numbers.length > 0) this.#names = numbers;
      if (numbers.length > 0) this.total = numbers.length;
      return true;
    }
    const { names, leftOut = [] } = await this.part.cases();
    const chosen = names.filter((name) => hasWords(name, this.#words));
    const order = shuffled(chosen, this.#random);
    this.#names = this.part.firstWord === undefined ? order : dealt(order);
    this.total = this.#names.length;
    this.leftOut = leftOut;
    return this.total > 0;
  }

  get isOver(): boolean {
    return this.total !== undefined && this.#names.length === 0;
  }

  /** Plays the next case, and once more on a fresh bench when it finds something; gives what it found. */
  async next(): Promise<Finding | undefined> {
    const name = this.total === undefined ? String(below(this.#random, 2 ** 32)) : this.#names.shift();
    if (name === undefined) return undefined;
    const { bench, opened } = await this.#take();
    const before = bench.calls;
    const start = performance.now();
    const lines = await played(bench, name);
    this.slowest = [[performance.now() - start, name] as const, this.slowest].sort((a, b) => b[0] - a[0])[0]!;
    this.played += 1;
    if (this.part.firstWord !== undefined) {
      const word = firstWordOf(name);
      this.shares.set(word, (this.shares.get(word) ?? 0) + 1);
    }
    this.calls += bench.calls - before;
    if (lines.length === 0) {
      this.#benches.push({ bench, opened });
      return undefined;
    }
    await close(bench);
    const finding = await this.#confirmed(name, lines);
    this.findings.push(finding);
    return finding;
  }

  async #take(): Promise<{ bench: Bench; opened: number }> {
    const used = this.#benches.pop();
    if (used !== undefined && performance.now() - used.opened < OLDEST_MS) return used;
    if (used !== undefined) await close(used.bench);
    return { bench: await this.part.open(), opened: performance.now() };
  }

  async #confirmed(name: string, first: string[]): Promise<Finding> {
    const bench = await this.part.open();
    const again = await played(bench, name);
    this.calls += bench.calls;
    await close(bench);
    const lines = again.length > 0 ? again : first;
    const known = isKnown(this.part.name, name, lines);
    return { part: this.part.name, name, lines, repeats: again.length > 0, known };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#benches.map(({ bench }) => close(bench)));
  }
}

/** A case that throws has found something too: a call that did not end, or one that failed unhurt. */
async function played(bench: Bench, name: string): Promise<string[]> {
  const limit = new AbortController();
  try {
    return await Promise.race([
      bench.play(name),
      pause(LIMIT_MS, [`did not end within ${LIMIT_MS / 1000} s`], { signal: limit.signal }),
    ]);
  } catch (error) {
    return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  } finally {
    limit.abort();
  }
}

async function close(bench: Bench): Promise<void> {
  await bench[Symbol.asyncDispose]();
}
