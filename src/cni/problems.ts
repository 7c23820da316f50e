// The problems of a configuration, collected while it is read, so that a person can correct all of them at
// once.
import { CniError, type Problem } from "./error.ts";

/** The problems found so far. A reader adds its problems and goes on with the rest of the configuration. */
export class Problems {
  private readonly found: Problem[] = [];

  /** Adds the sentence `text` about `value`, which stands at `path`. */
  add(path: string, value: unknown, text: string): void {
    this.found.push({ path, text: `${path} ${quote(value)}: ${text}` });
  }

  /** Adds a problem of no single value: a value that is missing, or two values that do not go together. */
  addAt(path: string, text: string): void {
    this.found.push({ path, text: `${path}: ${text}` });
  }

  /** True when something at `path` or below it is wrong. */
  concern(path: string): boolean {
    return this.found.some(
      (problem) =>
        problem.path === path || problem.path.startsWith(`${path}.`) || problem.path.startsWith(`${path}[`),
    );
  }

  get isEmpty(): boolean {
    return this.found.length === 0;
  }

  get texts(): string[] {
    return this.found.map(({ text }) => text);
  }

  /**
   * Throws CniError 7 when there is a problem: the first in the message, all in the details when there are
   * several. `more`: sentences that may explain a problem, and are none without one.
   */
  throwIfAny(network: string, more: readonly { text: string }[] = []): void {
    if (this.isEmpty) return;
    const [first, ...others] = this.texts;
    const all =
      others.length === 0 ? [] : [`${others.length + 1} values are wrong: ${this.texts.join("; ")}`];
    const causes = [...all, ...more.map(({ text }) => text)];
    throw new CniError("invalidConfig", {
      about: first,
      cause: causes.length === 0 ? undefined : causes.join("; "),
      hint: `Correct the configuration of network "${network}"; nothing was changed`,
      problems: this.found,
    });
  }
}

/** A value as it is shown to a person: short, on one line, and never deeper than its own level. */
export function quote(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (Array.isArray(value)) return value.length === 0 ? "[]" : "(a list)";
  if (typeof value === "object" && value !== null) return "(an object)";
  return String(value);
}
