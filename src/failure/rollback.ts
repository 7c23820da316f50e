// The rollback of a call that cannot come to its end.
import { renewPatience } from "../sys/flock.ts";
import { asCniError, sentencesOf } from "./failure.ts";

/**
 * The time that a rollback may wait for locks at least, in milliseconds; the call may have used up its own.
 */
const ROLLBACK_WAITS_MS = 2_000;

/**
 * The undoing of one change. Gives a sentence for each part that stayed, or throws when all of it stayed.
 * `isClean` is false when a part that was undone before stayed: the memory of the call must stay as well.
 */
export type TakeBack = (isClean: boolean) => string[] | void;

/** The changes of a call, each with its undoing. When the call fails they are undone, the latest first. */
export class Rollback {
  private readonly parts: TakeBack[] = [];

  /** Notes how the last change is undone. */
  add(part: TakeBack): void {
    this.parts.push(part);
  }

  /**
   * Undoes all changes, the latest first, and goes on when a part fails. Gives a sentence for each part that
   * stayed.
   */
  run(): string[] {
    const stayed: string[] = [];
    renewPatience(ROLLBACK_WAITS_MS);
    for (let part = this.parts.pop(); part !== undefined; part = this.parts.pop()) {
      try {
        stayed.push(...(part(stayed.length === 0) ?? []));
      } catch (error) {
        stayed.push(...sentencesOf([asCniError(error)]));
      }
    }
    return stayed;
  }

  /**
   * The result of `action`. When it throws, everything is undone, and the CniError names the parts that
   * stayed.
   */
  guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw asCniError(error).withNotUndone(this.run());
    }
  }
}
