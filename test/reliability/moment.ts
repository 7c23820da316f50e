// The system calls of a call, as it makes them when nobody hurts it, and the words that name one of them.
import type { Moment } from "../support/strace.ts";
import { toolPath } from "../support/tool.ts";
import { type Action, Stage } from "./stage.ts";

const COUNTS = "/run/world/counts";

/** Before the program's own first step, or no request to the kernel at all. */
export const BEFORE_THE_PROGRAM = ["execve", "arch_prctl", "set_tid_address", "exit_group"];

/** How often a call makes each kind of system call. */
export type Counts = Map<string, number>;

/** Counts the system calls of one unhurt call of each action, on a host where red is ready for it. */
export async function countsOf(variant: string, actions: readonly Action[]): Promise<Map<Action, Counts>> {
  await using stage = await Stage.open(variant);
  const all = new Map<Action, Counts>();
  for (const action of actions) {
    await stage.prepare(action);
    await stage.call(action, stage.red, [toolPath("strace"), "-qq", "-c", "-o", COUNTS]);
    all.set(action, parse(stage.world.read(COUNTS)));
    await stage.call("DEL");
  }
  return all;
}

/** The moments of an action whose kinds are wanted. */
export function momentsOf(counts: Counts, isWanted: (kind: string) => boolean): Moment[] {
  return [...counts]
    .filter(([kind]) => isWanted(kind))
    .flatMap(([kind, times]) => Array.from({ length: times }, (_, at) => ({ kind, count: at + 1 })));
}

/** The lines of `strace -c`: the fourth column has the number, the last one the name. */
function parse(text: string): Counts {
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/));
  return new Map(
    rows
      .filter((row) => row.length >= 5 && /^\d+$/.test(row[3]!) && row.at(-1) !== "total")
      .map((row) => [row.at(-1)!, Number(row[3])]),
  );
}
