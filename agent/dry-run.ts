// `--dry-run`: the wish for this node, for people.
import { apiOf, nodesOf } from "./agent.ts";
import type { Log } from "./log.ts";
import { Executable } from "./node/executable.ts";
import { ProblemBook } from "./node/problems.ts";
import { Reconciler } from "./node/reconcile.ts";
import { Trigger } from "./node/trigger.ts";
import type { Settings } from "./settings.ts";

/** Prints the wish of now, and problems to the log. Gives the exit status: 1 where there is no wish. */
export async function printWish(
  settings: Settings,
  { log, print, signal }: { log: Log; print: (text: string) => void; signal: AbortSignal },
): Promise<number> {
  const stop = new AbortController();
  const trigger = new Trigger();
  const either = AbortSignal.any([signal, stop.signal]);
  const list = nodesOf(apiOf(settings), log, {
    changed: () => trigger.poke(),
    // Nobody waits for an API server that does not answer.
    reached: (isReached) => {
      if (!isReached) trigger.poke();
    },
    count: () => undefined,
  });
  const kept = list.run(either);
  await trigger.due(either);
  const problems = new ProblemBook(log, () => undefined);
  const reconciler = new Reconciler({
    settings,
    log,
    trigger,
    problems,
    executable: new Executable(settings.pontoon, settings["conf-dir"]),
    nodes: () => list.items,
    prepare: async () => undefined,
    watcher: {
      passed: () => undefined,
      failed: () => undefined,
      idle: () => undefined,
      moved: () => undefined,
    },
  });
  const decision = await reconciler.decide();
  problems.set(decision?.problems ?? []);
  stop.abort();
  await kept;
  if (decision?.wish === undefined) return 1;
  print(`${JSON.stringify(decision.wish, undefined, 2)}\n`);
  return 0;
}
