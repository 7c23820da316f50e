// A copy of the repository in which a change of the sources harms nobody.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import type { Mutation } from "../test/mutation/mutation.ts";
import { compileEngine } from "./engine.mjs";

/** Folders that hold no sources: they are shared by hard links. */
const SHARED = ["node_modules", ".tools"];

/** The longest time for one row. A hanging test ends by vitest's own limit long before. */
const LIMIT_MS = 400_000;

/**
 * How tests ended. `isBroken`: the changed sources could not be built or loaded, or no test has the name that
 * was asked for.
 */
export interface TestResult {
  isGreen: boolean;
  isBroken: boolean;
  /** The names of the tests that failed. */
  failed: string[];
  /** Everything that was not as it should be. */
  words: string;
}

/** vitest's report in JSON, as far as it is looked at. */
interface Report {
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { fullName: string; status: string }[];
  }[];
}

export class MutationCopy {
  readonly folder: string;
  /** The repository's own engine: the changes are made in TypeScript, so no copy compiles one anew. */
  readonly #engine: string;

  private constructor(folder: string, engine: string) {
    this.folder = folder;
    this.#engine = engine;
  }

  /** Copies what git knows of `repository`, and what it would add. */
  static async make(repository: string): Promise<MutationCopy> {
    const folder = mkdtempSync(join(tmpdir(), "pontoon-mutation-"));
    const { stdout } = await execa("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
      cwd: repository,
    });
    for (const name of stdout.split("\0")) {
      if (name === "" || !existsSync(join(repository, name))) continue;
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      copyFileSync(join(repository, name), join(folder, name));
    }
    for (const name of SHARED)
      await execa("cp", ["--archive", "--link", join(repository, name), join(folder, name)]);
    return new MutationCopy(folder, compileEngine(repository));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Builds the executable, and for its tests the agent, as the sources are now; runs the tests of `rows`. */
  async run(rows: readonly Mutation[]): Promise<TestResult> {
    const builds = [["scripts/build.mjs", "--engine", this.#engine]];
    if (rows.some(({ test }) => test.startsWith("test/agent/"))) builds.push(["scripts/build-agent.mjs"]);
    for (const words of builds) {
      const build = await execa(process.execPath, words, { cwd: this.folder, reject: false, all: true });
      if (build.exitCode !== 0)
        return { isGreen: false, isBroken: true, failed: [], words: `the build failed: ${build.all}` };
    }
    const file = join(this.folder, "mutation-report.json");
    rmSync(file, { force: true });
    const names = rows.map(({ promise }) => escaped(promise)).join("|");
    const tests = [...new Set(rows.map(({ test }) => test))];
    const program = [
      "node_modules/.bin/vitest",
      "run",
      ...tests,
      "-t",
      names,
      "--reporter=json",
      `--outputFile.json=${file}`,
    ];
    const { all } = await execa(process.execPath, program, {
      cwd: this.folder,
      reject: false,
      all: true,
      timeout: rows.length * LIMIT_MS,
      stdin: "ignore",
      env: { NO_COLOR: "1" },
    });
    if (!existsSync(file))
      return { isGreen: false, isBroken: true, failed: [], words: `vitest gave no report: ${all}` };
    return resultOf(JSON.parse(readFileSync(file, "utf8")) as Report, rows);
  }
}

/** What a report says of the tests that `rows` name. */
function resultOf({ testResults }: Report, rows: readonly Mutation[]): TestResult {
  const played = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "passed" || status === "failed");
  const failed = played.filter(({ status }) => status === "failed").map(({ fullName }) => fullName);
  const unloaded = testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  const unknown = rows.filter(({ promise }) => !played.some(({ fullName }) => fullName.includes(promise)));
  const words = [
    ...failed.map((name) => `failed: ${name}`),
    ...unloaded.map(({ name, message }) => `could not be loaded: ${name}: ${message}`),
    ...unknown.map(({ test, promise }) => `no test of ${test} has this in its name: ${promise}`),
  ];
  return {
    isGreen: words.length === 0,
    isBroken: unloaded.length > 0 || unknown.length > 0,
    failed,
    words: words.join("\n"),
  };
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
