import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Outcome } from "../../../src/tool/program.ts";
import { BackgroundProcess, run } from "../../support/process.ts";
import { SYSTEM_PATH, toolPath } from "../../support/tool.ts";
import { waitFor } from "../../support/wait.ts";

const WORKER = [process.execPath, fileURLToPath(new URL("./run-worker.ts", import.meta.url))];
const ENV = { PATH: SYSTEM_PATH, OTHERS: "stay outside" };

let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync("/tmp/tool-");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What runProgram says of a program, and what came out of our own stderr meanwhile. */
async function runIt(...command: string[]): Promise<Outcome & { ownStderr: string }> {
  const { stdout, stderr } = await run([...WORKER, ...command], { env: ENV });
  return { ...(JSON.parse(stdout) as Outcome), ownStderr: stderr };
}

function script(name: string, text: string): string {
  writeFileSync(at(name), text);
  chmodSync(at(name), 0o755);
  return at(name);
}

test("a program gets its input, says its output, and ends with its status", async () => {
  const outcome = await runIt("/bin/sh", "-c", "cat; echo done; echo oh >&2; exit 3");
  expect(outcome).toEqual({ status: 3, stdout: "the inputdone\n", stderr: "oh\n", ownStderr: "oh\n" });
});

test("the environment is what is given and nothing else", async () => {
  const { stdout } = await runIt("/usr/bin/env", "-0");
  expect(stdout.split("\0").filter(Boolean).sort()).toEqual(["OWN=yes", `PATH=${SYSTEM_PATH}`]);
});

test("a program may leave its input unread, and may say a lot", async () => {
  const { status, stdout, stderr } = await runIt(
    "/bin/sh",
    "-c",
    "head -c 3000000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero | tr '\\0' y >&2",
  );
  expect([status, stdout.length, stderr.length]).toEqual([0, 3_000_000, 300_000]);
});

test("a signal that ends it is told", async () => {
  expect(await runIt("/bin/sh", "-c", "kill -KILL $$")).toMatchObject({ signal: "SIGKILL", stdout: "" });
});

test("a child that it leaves behind holds nobody up, and has none of our descriptors", async () => {
  const { stdout, ownStderr } = await runIt(
    "/bin/sh",
    "-c",
    `tail -f /dev/null & echo $!; echo "${"$"}(readlink /proc/$!/fd/1 /proc/$!/fd/2)" >&2`,
  );
  process.kill(Number(stdout), "SIGKILL");
  expect(ownStderr.split("\n")[0]).toContain("memfd");
  expect(ownStderr.split("\n")[1]).toContain("memfd");
});

test("a script may open its outputs by name", async () => {
  const { status, stdout, ownStderr } = await runIt(
    "/bin/sh",
    "-e",
    "-c",
    "echo first >&2; echo second >> /dev/stderr; cat /dev/stdin > /dev/stdout",
  );
  expect({ status, stdout, ownStderr }).toEqual({
    status: 0,
    stdout: "the input",
    ownStderr: "first\nsecond\n",
  });
});

test.each([
  ["one that does not exist", "ENOENT", () => "/no/such/program"],
  ["one that is not executable", "EACCES", () => "/etc/passwd"],
  ["one that is no program", "ENOEXEC", () => script("empty", "")],
  ["one whose interpreter does not exist", "ENOENT", () => script("lost", "#!/no/such/interpreter\n")],
])("%s is no exception but a refusal", async (_, refusal, make) => {
  const outcome = await runIt(make());
  expect(outcome).toEqual({ refusal, stdout: "", stderr: "", ownStderr: "" });
});

test("a file that somebody is still writing is tried again until it is complete", async () => {
  const path = script("busy", "");
  const writer = openSync(path, "a");
  const trace = at("trace");
  await using worker = new BackgroundProcess(
    [toolPath("strace"), "-f", "-qq", "-o", trace, "-e", "trace=execve", ...WORKER, path],
    { env: ENV },
  );
  writeFileSync(writer, "#!/bin/sh\necho complete\n");
  await waitFor(
    "the first try is refused",
    () => existsSync(trace) && readFileSync(trace, "utf8").includes("ETXTBSY"),
  );
  closeSync(writer);
  await worker.says("stdout");
  expect(worker.output).toContain('"stdout":"complete\\n"');
});

test("our own stderr may be closed", async () => {
  const { stdout } = await run(
    ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", ...WORKER, "/bin/sh", "-c", "echo lost >&2; echo kept"],
    { env: ENV },
  );
  expect(JSON.parse(stdout)).toMatchObject({ status: 0, stdout: "kept\n", stderr: "lost\n" });
});
