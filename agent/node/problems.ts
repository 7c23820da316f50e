// The problems that there are now: each is told when it comes, and when it is over.
import type { Problem } from "../cluster/problem.ts";
import type { Log } from "../log.ts";

/** The codes of a pass that did not come to its end: the next one has another reason, or none. */
const FAILURES: readonly Problem["code"][] = ["apply-failed", "wrong-wish"];

/** Who hears of new problems. */
export type Told = (problem: Problem) => void;

/** The present problems. */
export class ProblemBook {
  readonly #log: Log;
  readonly #told: Told;
  #present = new Map<string, Problem>();

  constructor(log: Log, told: Told) {
    this.#log = log;
    this.#told = told;
  }

  /** Replaces the present problems. */
  set(problems: readonly Problem[]): void {
    const next = new Map(
      problems.map((problem) => [`${problem.code} ${problem.node} ${problem.text}`, problem]),
    );
    for (const [key, { code, node, text }] of this.#present)
      if (!next.has(key)) this.#log.info("solved", `no longer so: ${text}`, { problem: code, node });
    for (const [key, problem] of next)
      if (!this.#present.has(key)) {
        this.#log.warn(problem.code, problem.text, { node: problem.node });
        this.#told(problem);
      }
    this.#present = next;
  }

  /** Adds the failure of a pass, which has looked at nothing: what else there was is there still. */
  addFailure(failure: Problem): void {
    const others = [...this.#present.values()].filter(({ code }) => !FAILURES.includes(code));
    this.set([...others, failure]);
  }

  /** How many problems of each code there are. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { code } of this.#present.values()) counts.set(code, (counts.get(code) ?? 0) + 1);
    return counts;
  }
}
