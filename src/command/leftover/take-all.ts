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

/** The command that takes leftovers down. */
interface Asking extends Agreement {
  person: Person;
  means: Means;
  /** Looks for the leftovers. Throws CniError. */
  find(): Leftover[];
}

/**
 * Shows the leftovers, asks, and takes them down one by one; one that fails stops no other. A person may take
 * any time for the answer, so what has changed meanwhile is left alone. Without a terminal and without an
 * agreement nothing happens, and an error says so.
 */
export function takeAllDown({ yes, dryRun = false, person, means, find }: Asking): Answer {
  const leftovers = find();
  const seen = leftovers.map(describe);
  const found = seen.map(valueOf);
  if (leftovers.length === 0) return { text: "nothing is left over\n", json: { found, removed: [] } };
  const list = seen.map(linesOf).join("");
  if (dryRun) return { text: list, json: { found, removed: [] } };
  if (yes) return takeDownThese(leftovers, found, means);
  const isAgreed = person.confirms(`${list}Take ${leftovers.length === 1 ? "it" : "them all"} down?`);
  if (isAgreed === undefined) throw nobodyToAsk(list);
  if (!isAgreed) return { text: "nothing was taken down\n", json: { found, removed: [] } };
  const agreed = new Set(found.map((value) => JSON.stringify(value)));
  const unchanged = find().filter((each) => agreed.has(JSON.stringify(valueOf(describe(each)))));
  return takeDownThese(unchanged, found, means);
}

function takeDownThese(leftovers: readonly Leftover[], found: readonly object[], means: Means): Answer {
  const errors: CniError[] = [];
  const removed: Described[] = [];
  for (const leftover of leftovers) {
    const description = describe(leftover);
    const failed = takeDown(leftover, means);
    errors.push(...failed);
    if (failed.length === 0) removed.push(description);
  }
  return {
    text: removed.map((each) => `taken down: ${shown(each.title)}${holdings(each)}\n`).join(""),
    json: { found, removed: removed.map(valueOf) },
    errors,
  };
}

function linesOf(described: Described): string {
  const { title, reason, pod, containerId } = described;
  const container = pod === undefined ? "" : `; container ${shown(containerId)}`;
  return `${shown(title)}${holdings(described)}\n  ${shown(reason)}${container}\n`;
}

function holdings({ addresses, hostPorts }: Described): string {
  const held = [...addresses, ...hostPorts];
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
