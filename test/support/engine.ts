// Programs in TypeScript, carried by the engine of the executable.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type Outcome, run } from "./process.ts";
import { REPOSITORY, SYSTEM_PATH } from "./tool.ts";

/** An executable made from a module that exports `main`; its folder goes with it. */
export class Program implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "pontoon-program-"));
  readonly path = join(this.folder, "pontoon");

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface BuildOptions {
  /** The folder of the sources. */
  repository?: string;
  /** The compilers see the person's own cargo, and otherwise only this. */
  env?: Record<string, string>;
  /** An engine that is compiled already. */
  engine?: string;
}

/** Runs scripts/build.mjs of a repository. */
export async function build(
  entry: string,
  outDir: string,
  { repository = REPOSITORY, env = {}, engine }: BuildOptions = {},
): Promise<Outcome> {
  const own = Object.fromEntries(
    ["HOME", "CARGO_HOME", "RUSTUP_HOME", "PATH"]
      .map((name) => [name, process.env[name] ?? ""])
      .filter(([, value]) => value !== ""),
  );
  const command = [
    process.execPath,
    join(repository, "scripts/build.mjs"),
    "--entry",
    entry,
    "--out-dir",
    outDir,
    ...(engine === undefined ? [] : ["--engine", engine]),
  ];
  return run(command, { env: { PATH: SYSTEM_PATH, ...own, ...env }, timeoutMs: 600_000 });
}

/** Builds the program whose entry is that file of test/runtime/program. */
export async function program(name: string): Promise<Program> {
  const made = new Program();
  const outcome = await build(join(REPOSITORY, "test/runtime/program", name), made.folder);
  if (outcome.status !== 0) throw new Error(describe(outcome));
  return made;
}
