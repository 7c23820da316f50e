// Passes of the reconciler, with a program in the place of the executable.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ClusterNode } from "../../agent/cluster/node-object.ts";
import { openLog } from "../../agent/log.ts";
import { Executable } from "../../agent/node/executable.ts";
import { ProblemBook } from "../../agent/node/problems.ts";
import { Reconciler } from "../../agent/node/reconcile.ts";
import { Trigger } from "../../agent/node/trigger.ts";
import { readSettings } from "../../agent/settings.ts";
import { waitFor } from "../support/wait.ts";

const DONE = '{"changed":[],"refused":[],"notes":[]}';
const NODE: ClusterNode = {
  name: "node1",
  uid: "u1",
  created: 1000,
  podCIDRs: ["10.244.1.0/24"],
  internalIPs: ["10.90.0.11"],
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pontoon-reconcile-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A reconciler whose executable accepts each configuration and answers an apply by lines of a shell. */
function reconciler(apply: string, ...args: string[]) {
  const path = join(folder, "pontoon");
  const script = `case "$1" in validate) echo '[]';; *) ${apply};; esac`;
  writeFileSync(path, `#!/bin/sh\necho "$1" >> ${folder}/calls\n${script}\n`);
  chmodSync(path, 0o755);
  const asked = readSettings(["--node-name", "node1", "--api", "https://localhost", ...args], {});
  if (!("settings" in asked)) throw new Error("These are no settings.");
  const happened: string[] = [];
  const log = openLog({ level: "info", format: "json" }, (line) =>
    happened.push((JSON.parse(line) as { code: string }).code),
  );
  const trigger = new Trigger({ quietMs: 1, mostMs: 10 });
  const parts = {
    settings: asked.settings,
    executable: new Executable(path, folder),
    nodes: () => new Map([[NODE.name, NODE]]),
    trigger,
    problems: new ProblemBook(log, () => undefined),
    watcher: {
      passed: () => happened.push("passed"),
      failed: () => happened.push("failed"),
      idle: () => happened.push("idle"),
      moved: () => happened.push("moved"),
    },
    log,
    prepare: async () => undefined,
  };
  return { reconciler: new Reconciler(parts), trigger, happened };
}

function calls(name: string): number {
  return readFileSync(join(folder, "calls"), "utf8")
    .split("\n")
    .filter((each) => each === name).length;
}

test("an apply that fails is told and done again, without another reason", async () => {
  const once = `if [ -e ${folder}/done ]; then echo '${DONE}'; else touch ${folder}/done; exit 1; fi`;
  const { reconciler: own, trigger, happened } = reconciler(once);
  const stop = new AbortController();
  trigger.poke();
  const run = own.run(stop.signal);
  await waitFor("a pass is done", () => happened.includes("passed"));
  stop.abort();
  await run;
  expect(happened).toEqual(["apply-failed", "failed", "solved", "passed"]);
});

test("a configuration without a mistake is read once, and applied each time", async () => {
  const { reconciler: own } = reconciler(`echo '${DONE}'`, "--backend", "none");
  expect([await own.pass(), await own.pass()]).toEqual([true, true]);
  expect([calls("validate"), calls("node")]).toEqual([1, 2]);
});

test("two passes begin no sooner than half a second after each other, however many reasons there are", async () => {
  const { reconciler: own, trigger, happened } = reconciler(`echo '${DONE}'`);
  const stop = new AbortController();
  const begin = performance.now();
  trigger.poke();
  const run = own.run(stop.signal);
  await waitFor("there are three passes", () => {
    trigger.poke();
    return happened.length >= 3;
  });
  expect(performance.now() - begin).toBeGreaterThanOrEqual(1000);
  stop.abort();
  await run;
});
