// Every test can fail: no expectation is skipped, no error swallowed, no time waited in the place of a
// condition.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REPOSITORY } from "../support/tool.ts";
import { complaintsAbout } from "./notice.ts";

const SKIPPED = "this expect may be skipped";
const SWALLOWED = "this error is swallowed";
const NOT_RUN = "not every test runs";
const EMPTY = "this test expects nothing";
const SLEEP = "time is waited, not a condition";

/** Places that may do it, and why. Each of them has to be there. */
const ALLOWED: [file: string, complaint: string, why: string][] = [
  ["support/wait.ts", SLEEP, "The one pause between two looks at a condition."],
  ["support/echo-server.ts", SLEEP, "The longest life of a server that a test forgot."],
  ["support/flow.ts", SLEEP, "The longest life of a program that a test forgot."],
  ["reliability/turn.ts", SLEEP, "The longest time that a case may take."],
  ["agent/list-watch.test.ts", SLEEP, "The pace of a server that sends byte by byte."],
  ["unit/notice.test.ts", SLEEP, "The samples of this test."],
  [
    "runtime/containerd.test.ts",
    SLEEP,
    "The pause between two of at most ten tries, in a shell of the pod, where no test looks.",
  ],
  ["cluster/compare.ts", SLEEP, "The life of a pod."],
  ["cluster/upgrade.test.ts", SLEEP, "The life of a pod."],
  [
    "runtime/api-server.test.ts",
    NOT_RUN,
    "It takes 20 minutes to build Kubernetes; a line says that it is missing.",
  ],
];

const files = globSync("**/*.ts", { cwd: join(REPOSITORY, "test") }).sort();

test("no test file has a place that keeps a test from noticing", () => {
  expect(files.length).toBeGreaterThan(150);
  const found = files.flatMap((path) =>
    complaintsAbout(readFileSync(join(REPOSITORY, "test", path), "utf8")).map(
      (complaint) => `test/${path} ${complaint}`,
    ),
  );
  const isOf =
    (text: string) =>
    ([file, complaint]: (typeof ALLOWED)[number]): boolean =>
      text.startsWith(`test/${file} `) && text.endsWith(complaint);
  expect(found.filter((text) => !ALLOWED.some(isOf(text)))).toEqual([]);
  expect(ALLOWED.filter((entry) => !found.some((text) => isOf(text)(entry)))).toEqual([]);
});

test.each([
  ["in an if", "if (a) expect(a).toBe(1);"],
  [
    "in an if, in a function that is called there",
    "if (a) { all.forEach((one) => { expect(one).toBe(1); }); }",
  ],
  ["in an if whose else expects nothing", "if (a) expect(a).toBe(1); else log(a);"],
  ["in an else whose if expects nothing", "if (a) log(a); else expect(a).toBe(1);"],
  ["in the last of several ifs", "if (a) expect(a).toBe(1); else if (b) expect(b).toBe(1);"],
  ["after &&", "a && expect(a).toBe(1);"],
  ["after ??", "a ?? expect(a).toBe(1);"],
  ["on one side of ?:", "a ? expect(a).toBe(1) : undefined;"],
  ["in a catch", "try { act(); } catch (error) { expect(error).toBe(1); }"],
  ["in what a?.b() is given", "a?.forEach((one) => expect(one).toBe(1));"],
  ["in what a?.b.c() is given", "a?.b.forEach((one) => expect(one).toBe(1));"],
  ["in what a?.() is given", "a?.((one) => expect(one).toBe(1));"],
  ["asked by ?.", "expect(a)?.toBe(1);"],
  ["in a helper that is named for it", "if (a) expectTyped(a);"],
  ["in a test that is there at times", 'if (a) test("b", () => { expect(a).toBe(1); });'],
])("an expect that may be skipped is seen: %s", (_, text) => {
  expect(complaintsAbout(text)).toContain(`line 1: ${SKIPPED}`);
});

test.each([
  "if (a) expect(a).toBe(1); else expect(b).toBe(2);",
  'if (a) expect(a).toBe(1); else throw new Error("no a");',
  "a ? expect(a).toBe(1) : expect(b).toBe(1);",
  "if (expect(a).toBe(1)) act();",
  'try { act(); throw new Error("no error"); } catch (error) { expect(error).toBe(1); }',
  "try { expect(a).toBe(1); } finally { end(); }",
  "for (const one of all) expect(one).toBe(1);",
  "expect(a?.b).toBe(1);",
])("an expect that is always met is none of them: %s", (text) => {
  expect(complaintsAbout(text)).toEqual([]);
});

test.each([
  [SWALLOWED, "await act().catch(() => {});"],
  [SWALLOWED, 'await act().catch(() => "none");'],
  [SWALLOWED, "await act().catch(ignore);"],
  [SWALLOWED, "try { act(); } catch { /* never mind */ }"],
  [NOT_RUN, 'test.skip("a", () => { expect(1).toBe(1); });'],
  [NOT_RUN, 'test.todo("a");'],
  [NOT_RUN, 'describe.concurrent.only("a", () => {});'],
  [NOT_RUN, 'test.skipIf(a)("a", () => { expect(1).toBe(1); });'],
  [NOT_RUN, 'it.each([1]).only("a", () => { expect(1).toBe(1); });'],
  [EMPTY, 'test("a", () => { act(); });'],
  [EMPTY, 'scene("a", async (world) => { mustSucceed(await add(world)); });'],
  [EMPTY, 'test.each([1])("a", () => { helps(); });\nfunction helps() { act(); }'],
  [SLEEP, "setTimeout(act, 5);"],
  [SLEEP, "await timers.sleep(5);"],
  [SLEEP, "timers.setTimeout(5);"],
  [SLEEP, 'import { setTimeout as pause } from "node:timers/promises";'],
  [SLEEP, 'run(["sh", "-c", "until done; do sleep 0.1; done"]);'],
  [SLEEP, "run(`sleep 1; cat ${file}`);"],
])("%s: is seen in %s", (complaint, text) => {
  expect(complaintsAbout(text)).toContain(`line 1: ${complaint}`);
});

test.each([
  'await act().catch((error) => { throw new Error("act", { cause: error }); });',
  "try { act(); } catch (error) { failures.push(error); }",
  'test("a", () => { expect(1).toBe(1); });',
  'test("a", () => { helps(); });\nfunction helps() { also(); }\nconst also = () => { expect(1).toBe(1); };',
  'test("a", () => { helps(); });\nfunction helps() { helps(); expect(1).toBe(1); }',
  'scene("a", async (world) => { mustFail(await add(world)); });',
  'test.concurrent.for([1])("a", {}, async () => { await expect(act()).rejects.toThrow(); });',
  "scene.host.inside(() => { act(); });",
  'const text = "those that sleep for long";',
  "pauses.skip(1);",
])("none of these: %s", (text) => {
  expect(complaintsAbout(text)).toEqual([]);
});

test("the line is the line of the place", () => {
  expect(complaintsAbout("// one\n\nif (a)\n  expect(a).toBe(1);\n")).toEqual([`line 4: ${SKIPPED}`]);
});
