// Taking back what a call has done so far, when it cannot come to its end.
import { asCniError, sentencesOf } from "./failure.ts";

/** What takes one thing back. Gives a sentence for each part that stayed, or throws when all of it stayed. */
export type TakeBack = () => string[] | void;

/** Everything that has to be taken back when a call fails: the latest first. */
export class Rollback {
  private readonly parts: TakeBack[] = [];

  /** Notes how what was just done is taken back. */
  add(part: TakeBack): void {
    this.parts.push(part);
  }

  /**
   * Takes everything back, the latest first, and goes on when a part fails. A sentence for each that stayed.
   */
  run(): string[] {
    const stayed: string[] = [];
    for (let part = this.parts.pop(); part !== undefined; part = this.parts.pop()) {
      try {
        stayed.push(...(part() ?? []));
      } catch (error) {
        stayed.push(...sentencesOf([asCniError(error)]));
      }
    }
    return stayed;
  }

  /** What `action` gives. When it throws, everything is taken back, and CniError says what could not be. */
  guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw asCniError(error).withNotUndone(this.run());
    }
  }
}
