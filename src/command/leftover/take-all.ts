// Taking down leftovers after a person has seen them and agreed: for `pontoon rm` and `pontoon clean`.
import { CniError } from "../../cni/error.ts";
import type { Leftover } from "../../teardown/leftover.ts";
import { type Means, takeDown } from "../../teardown/take-down.ts";
import { shown } from "../../terminal/terminal.ts";
import type { Answer, Person } from "../command.ts";
import { type Described, describe } from "./description.ts";

/** The agreement that a command line has given already. */
export interface Agreement {
  /** Nothing is asked. */
  yes: boolean;
  /** Nothing is done. */
  dryRun?: boolean;
}

/**
 * Shows the leftovers, asks, and takes them down one by one; one that fails stops no other. Without a
 * terminal and without an agreement nothing happens, and an error says so.
 */
export function takeAllDown(
  leftovers: readonly Leftover[],
  { yes, dryRun = false, person, means }: Agreement & { person: Person; means: Means },
): Answer {
  const seen = leftovers.map(describe);
  const list = seen.map(linesOf).join("");
  if (dryRun) return { text: list, json: { found: seen.map(valueOf), removed: [] } };
  if (!yes) {
    const isAgreed = person.confirms(`${list}Take ${leftovers.length === 1 ? "it" : "them all"} down?`);
    if (isAgreed === undefined) throw nobodyToAsk(list);
    if (!isAgreed)
      return { text: "nothing was taken down\n", json: { found: seen.map(valueOf), removed: [] } };
  }
  const errors: CniError[] = [];
  const removed: Described[] = [];
  for (const [at, leftover] of leftovers.entries()) {
    const failed = takeDown(leftover, means);
    errors.push(...failed);
    const description = seen[at];
    if (failed.length === 0 && description !== undefined) removed.push(description);
  }
  return {
    text: removed.map((each) => `taken down: ${shown(each.title)}${holdings(each)}\n`).join(""),
    json: { found: seen.map(valueOf), removed: removed.map(valueOf) },
    errors,
  };
}

function linesOf(described: Described): string {
  return `${shown(described.title)}${holdings(described)}\n  ${shown(described.reason)}\n`;
}

function holdings({ kind, addresses, hostPorts }: Described): string {
  const held = kind === "lease" ? hostPorts : [...addresses, ...hostPorts];
  return held.length === 0 ? "" : `: ${shown(held.join(", "))}`;
}

function valueOf({ title: _, ...value }: Described): object {
  return value;
}

function nobodyToAsk(list: string): CniError {
  return new CniError("ioFailure", {
    message: "nothing was taken down, since nobody can be asked: stdin is no terminal",
    cause: `this would go: ${list.trim().replaceAll(/\n\s*/g, "; ")}`,
    hint: "Give --yes",
  });
}
