// Calls of the executable that do not end as they should: programs stand in its place.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import type { Wish } from "../../agent/cluster/wish.ts";
import { Executable } from "../../agent/node/executable.ts";
import { run } from "../support/process.ts";
import { REPOSITORY } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";

const WISH: Wish = { version: 1, podSubnets: [], routes: [] };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pontoon-executable-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An executable of these lines of a shell. */
function executableOf(script: string, limitMs?: number): Executable {
  const path = join(folder, "pontoon");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return new Executable(path, folder, { limitMs });
}

/** True while the process lives whose id the script has written. */
function lives(): boolean {
  return existsSync(`/proc/${readFileSync(join(folder, "pid"), "utf8").trim()}`);
}

test("an apply that hangs is killed after the limit, and told", async () => {
  const executable = executableOf(`echo $$ > ${folder}/pid; exec tail -f /dev/null`, 300);
  await expect(executable.apply(WISH)).rejects.toThrow(
    "pontoon node apply did not end within 0.3 s and was killed",
  );
  await waitFor("it is gone", () => !lives());
});

test("a child that it leaves behind holds up nobody beyond the limit", async () => {
  const executable = executableOf(`tail -f /dev/null & echo $! > ${folder}/pid; exit 0`, 300);
  try {
    await expect(executable.apply(WISH)).rejects.toThrow("did not end within 0.3 s");
    expect(lives()).toBe(true);
  } finally {
    process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), "SIGKILL");
  }
});

test("an apply that prints without end is killed, and told", async () => {
  await expect(executableOf("exec cat /dev/zero").apply(WISH)).rejects.toThrow(/printed more than \d+ bytes/);
});

test.each([
  ["exit 1", "failed with status 1: it said nothing"],
  ["echo so >&2; exit 3", "failed with status 3: so"],
  ["echo '{}'", "printed what the agent does not know"],
  ['echo \'{"wrong":["routes: must be a list"]}\'; exit 2', "the wish is wrong: routes: must be a list"],
  ["kill -9 $$", "was ended by SIGKILL"],
])("an apply that ends by %j is told in a sentence", async (script, sentence) => {
  await expect(executableOf(script).apply(WISH)).rejects.toThrow(sentence);
});

test("only errors of a configuration are mistakes", async () => {
  const found = [
    { severity: "warning", message: "a subnet that others have" },
    { severity: "error", message: "mtu: must be a number" },
    { severity: "note", message: "a key that nobody reads" },
  ];
  const executable = executableOf(`echo '${JSON.stringify(found)}'; exit 1`);
  expect(await executable.mistakesIn("{}")).toEqual(["mtu: must be a number"]);
});

test("a program has none of the agent's environment", async () => {
  process.env["PONTOON_TEST_SECRET"] = "secret";
  onTestFinished(() => {
    delete process.env["PONTOON_TEST_SECRET"];
  });
  const { stdout } = await executableOf("env").call([]);
  expect(stdout).toContain("LC_ALL=C");
  expect(stdout).not.toContain("secret");
});

test("a program that is not there is told in a sentence", async () => {
  await expect(new Executable(join(folder, "none"), folder).apply(WISH)).rejects.toThrow("cannot be run");
});

test("an agent without descriptors for a program goes on, and tells it in a sentence", async () => {
  const program = `
    const { closeSync, openSync } = require("node:fs");
    const { runProgram } = require(${JSON.stringify(join(REPOSITORY, "agent/node/program.ts"))});
    const { watchNode } = require(${JSON.stringify(join(REPOSITORY, "agent/node/watch.ts"))});
    const run = () => runProgram("/bin/true", [], { limitMs: 10000, mostBytes: 10 });
    const taken = [];
    void (async () => {
      try { for (;;) taken.push(openSync("/dev/null", "r")); } catch {}
      const failed = await run();
      const stop = new AbortController();
      const watcher = { changed: () => stop.abort(), restarted: () => undefined };
      const warn = (code, text) => console.log(code, text);
      await watchNode("/bin/true", { log: { warn, debug: warn }, watcher }, stop.signal);
      for (const each of taken) closeSync(each);
      console.log(failed.failure, (await run()).status);
    })();`;
  const file = join(folder, "program.cjs");
  writeFileSync(file, program);
  const limited = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", process.execPath, file];
  const { status, stdout } = await run(limited);
  expect(stdout).toBe(
    "watch-ended pontoon node watch has ended: spawn /bin/true EMFILE\ncannot be run: spawn /bin/true EMFILE 0\n",
  );
  expect(status).toBe(0);
});
