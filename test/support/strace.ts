// Hurting a call at one exact moment: strace lets the n-th system call of a kind fail, or kills the
// caller at its entry. Calls that are to stand still are in held.ts.
import { toolPath } from "./tool.ts";

/** What a call does that changes something: netlink requests, and files, folders and locks. */
const CHANGING = ["sendto", "write", "mkdirat", "linkat", "renameat2", "unlinkat", "flock"];

/** No call does one kind of thing more often than this. */
const MOST = 100;

/** Where strace writes what it saw of the last call. */
export const TRACE = "/run/world/strace";

/** One system call of a run: the `count`-th of its kind. */
export interface Moment {
  kind: string;
  count: number;
}

/** The words in front of a command that make it die when it enters that system call. */
export function killedAt(moment: Moment): string[] {
  return injected(moment, "signal=SIGKILL");
}

/** The words in front of a command that make that system call fail, or a row of them (`1..2`). */
export function failingAt(moment: { kind: string; count: number | string }, errno: string): string[] {
  return injected(moment, `error=${errno}`);
}

/** The words in front of a command that make that system call fail, and all of its kind after it. */
export function failingFrom({ kind, count }: Moment, errno: string): string[] {
  return injected({ kind, count: `${count}+` }, `error=${errno}`);
}

/**
 * Plays one moment after the other, of each kind until `play` says that the run was over before; gives how
 * many there were. Throws when not one moment was met, and, where the kinds are given, when one of them was
 * not: the test would prove nothing.
 */
export async function atEveryMoment(
  play: (moment: Moment) => Promise<boolean>,
  kinds?: string[],
): Promise<number> {
  let moments = 0;
  for (const kind of kinds ?? CHANGING) {
    let count = 1;
    while (await play({ kind, count })) {
      if (count === MOST) throw new Error(`The call has more than ${MOST} times ${kind}.`);
      count += 1;
    }
    if (kinds !== undefined && count === 1)
      throw new Error(`The call never came to ${kind}, so nothing was tried.`);
    moments += count - 1;
  }
  if (moments === 0)
    throw new Error(`The call never came to any of ${CHANGING.join(", ")}, so nothing was tried.`);
  return moments;
}

function injected({ kind, count }: { kind: string; count: number | string }, what: string): string[] {
  // Without -f: what the call starts is left alone.
  return [
    toolPath("strace"),
    "-qq",
    "-o",
    TRACE,
    "-e",
    `trace=${kind}`,
    "-e",
    `inject=${kind}:${what}:when=${count}`,
  ];
}
