// What is different between two moments of a world.
import type { Part, Snapshot } from "./snapshot-part.ts";

/** What went and what came. Where something may differ, a test says which part of what was lost or added. */
export class Difference {
  readonly lost: Snapshot;
  readonly added: Snapshot;

  constructor(lost: Snapshot, added: Snapshot) {
    this.lost = lost;
    this.added = added;
  }

  /** A line for each thing, `-` before what went and `+` before what came. */
  get lines(): string[] {
    return [...this.lost.lines.map((line) => `- ${line}`), ...this.added.lines.map((line) => `+ ${line}`)];
  }

  get isEmpty(): boolean {
    return this.lost.isEmpty && this.added.isEmpty;
  }

  /** The difference in a part of the world alone. */
  within(part: Part): Difference {
    return new Difference(part(this.lost), part(this.added));
  }

  /** The difference but for a part of the world, whether it went or came. */
  outside(part: Part): Difference {
    return this.exceptLost(part).exceptAdded(part);
  }

  /** The difference but for what may have gone. What came there is as wrong as before. */
  exceptLost(...parts: Part[]): Difference {
    return new Difference(without(this.lost, parts), this.added);
  }

  /** The difference but for what may have come. What went there is as wrong as before. */
  exceptAdded(...parts: Part[]): Difference {
    return new Difference(this.lost, without(this.added, parts));
  }
}

function without(all: Snapshot, parts: Part[]): Snapshot {
  return parts.reduce((left, part) => left.without(part(left)), all);
}
