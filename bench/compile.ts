// What the bench builds for itself: the runner, an empty executable and an instrumented one, in .tools/bench.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY, toolPath } from "../test/support/tool.ts";

export const WORK_FOLDER = join(REPOSITORY, ".tools/bench");

/** The C program that starts and times others. */
export function compileRunner(): string {
  return compileC("runner");
}

/** The C program that makes connections. */
export function compileConnect(): string {
  return compileC("connect");
}

function compileC(name: string): string {
  mkdirSync(WORK_FOLDER, { recursive: true });
  const executable = join(WORK_FOLDER, name);
  must([toolPath("gcc"), "-O2", "-o", executable, join(REPOSITORY, `bench/${name}.c`)]);
  return executable;
}

/** An executable of `entry`, made as the product is. Built again only when one of `sources` is newer. */
export function compileEntry(name: string, entry: string, sources: string[] = [entry]): string {
  const folder = join(WORK_FOLDER, name);
  const executable = join(folder, "pontoon");
  const inputs = [...sources, join(REPOSITORY, "scripts/build.mjs"), join(REPOSITORY, "package-lock.json")];
  if (!isOlder(executable, inputs)) return executable;
  must([process.execPath, join(REPOSITORY, "scripts/build.mjs"), "--entry", entry, "--out-dir", folder]);
  return executable;
}

/** True when a file is missing or older than one of those that it is made from. */
function isOlder(made: string, from: string[]): boolean {
  if (!existsSync(made)) return true;
  const { mtimeMs } = statSync(made);
  return from.some((file) => statSync(file).mtimeMs > mtimeMs);
}

function must([file = "", ...args]: string[]): void {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: "utf8", cwd: REPOSITORY });
  if (status !== 0) throw new Error(`${file} ${args.join(" ")} failed:\n${stdout}${stderr}`);
}
