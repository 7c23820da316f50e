// Passes of the reconciler, with a program in the place of the executable.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

const OTHER: ClusterNode = {
  ...NODE,
  name: "node2",
  uid: "u2",
  podCIDRs: ["10.244.2.0/24"],
  internalIPs: ["10.90.0.12"],
};

let folder: string;
/** What the API server has. */
let nodes: ClusterNode[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pontoon-reconcile-"));
  nodes = [NODE];
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
  const lines: string[] = [];
  const log = openLog({ level: "info", format: "json" }, (line) => {
    const { code, msg } = JSON.parse(line) as { code: string; msg: string };
    happened.push(code);
    lines.push(msg);
  });
  const trigger = new Trigger({ quietMs: 1, mostMs: 10 });
  const parts = {
    settings: asked.settings,
    executable: new Executable(path, folder),
    nodes: () => new Map(nodes.map((node) => [node.name, node])),
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
  return { reconciler: new Reconciler(parts), trigger, happened, lines };
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

/** An executable that writes down whether it was asked for ways (`ask`) or to apply (`do`). */
const NOTING = `case "$*" in *--dry-run*) call=ask;; *) call=do;; esac; echo $call >> $0.log`;

function noted(): string {
  return readFileSync(join(folder, "pontoon.log"), "utf8").trim().replaceAll("\n", " ");
}

test("a change of the node while the kernel is asked for ways has it asked again", async () => {
  nodes = [NODE, OTHER];
  const fifo = join(folder, "fifo");
  execFileSync("mkfifo", [fifo]);
  const held = `[ $call = ask ] && [ ! -e ${folder}/go ] && read line < ${fifo}`;
  const { reconciler: own } = reconciler(`${NOTING}; ${held}; echo '${DONE}'`);
  const first = own.pass();
  await waitFor("the kernel is asked", () => existsSync(join(folder, "pontoon.log")));
  own.nodeChanged("routes");
  writeFileSync(join(folder, "go"), "");
  writeFileSync(fifo, "go on\n");
  await first;
  await own.pass();
  expect(noted()).toBe("ask do ask do");
  await own.pass();
  expect(noted()).toBe("ask do ask do do");
});

test("a way that an apply no longer finds is asked for again, once, without a word of the node", async () => {
  nodes = [NODE, OTHER];
  const refused = `{ "what": "route 10.244.2.0/24 via 10.90.0.12", "code": "noDirectWay", "reason": "so" }`;
  const answer = `{"changed":[],"refused":['"$(cat ${folder}/refused 2>/dev/null)"'],"notes":[]}`;
  const { reconciler: own, trigger } = reconciler(`${NOTING}; echo '${answer}'`, "--backend", "routes");
  await own.pass();
  await own.pass();
  expect(noted()).toBe("ask do do");
  expect(trigger.hasReason).toBe(false);
  writeFileSync(join(folder, "refused"), refused);
  await own.pass();
  expect(trigger.hasReason).toBe(true);
  await trigger.due(new AbortController().signal);
  await own.pass();
  expect(noted()).toBe("ask do do do ask do");
  expect(trigger.hasReason).toBe(false);
});

test("pods are to be made anew where a podCIDR has gone, and not where one has come", async () => {
  const { reconciler: own, happened } = reconciler(`echo '${DONE}'`, "--backend", "none");
  for (const podCIDRs of [
    ["10.244.1.0/24"],
    ["10.244.1.0/24", "fd01:1::/64"],
    ["fd01:1::/64", "10.244.1.0/24"],
  ]) {
    nodes = [{ ...NODE, podCIDRs }];
    await own.pass();
  }
  expect(happened).toEqual(["passed", "passed", "passed"]);
  nodes = [{ ...NODE, podCIDRs: ["fd01:1::/64"] }];
  await own.pass();
  expect(happened.slice(3)).toEqual(["moved", "passed"]);
});

test("thousands of changes of one apply are fifty lines and a count", async () => {
  const change = '{ "what": "route 10.0.0.0/24 via 10.90.0.9", "action": "added" }';
  const last = '{ "what": "conflist /c", "action": "added" }';
  const many = `{"changed":[${Array(2999).fill(change).join()},${last}],"refused":[],"notes":[]}`;
  writeFileSync(join(folder, "many"), many);
  const { reconciler: own, lines } = reconciler(`cat ${folder}/many`, "--backend", "none");
  await own.pass();
  expect(lines.length).toBeLessThanOrEqual(51);
  expect(lines.at(-1)).toBe("and 2950 more by the same apply, the last conflist /c: added");
});
