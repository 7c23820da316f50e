// The executable, which does all work on the node. Each call is a process of a few milliseconds.
import * as z from "zod/mini";
import type { Wish } from "../cluster/wish.ts";
import { runProgram } from "./program.ts";

/** What an apply has done. */
export interface Applied {
  changed: { what: string; action: string }[];
  refused: { what: string; code: string; reason: string }[];
  notes: { code: string; text: string }[];
}

const applied = z.object({
  changed: z.array(z.object({ what: z.string(), action: z.string() })),
  refused: z.array(z.object({ what: z.string(), code: z.string(), reason: z.string() })),
  notes: z.array(z.object({ code: z.string(), text: z.string() })),
});
const validated = z.array(z.object({ severity: z.string(), message: z.string() }));
const wrong = z.object({ wrong: z.array(z.string()) });

/** A call that did not do its work: in one sentence. */
export class ExecutableError extends Error {
  /** The sentences about a wrong wish. */
  readonly wrong: readonly string[];

  constructor(message: string, wrongValues: readonly string[] = []) {
    super(message);
    this.wrong = wrongValues;
  }
}

/** The outcome of a call. */
export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

const LIMIT_MS = 60_000;
const MOST_OUTPUT = 32 << 20;

/** The executable Pontoon at a path. */
export class Executable {
  readonly path: string;
  readonly #confFolder: string;
  readonly #limitMs: number;

  /** A call that has no limit of its own is killed after `limitMs`. */
  constructor(
    path: string,
    confFolder: string,
    { limitMs = LIMIT_MS }: { limitMs?: number | undefined } = {},
  ) {
    this.path = path;
    this.#confFolder = confFolder;
    this.#limitMs = limitMs;
  }

  /** Makes the node as wished; with `isDryRun` says what it would change. Throws ExecutableError. */
  async apply(wish: Wish, { isDryRun = false }: { isDryRun?: boolean } = {}): Promise<Applied> {
    const words = [
      "node",
      "apply",
      "--json",
      "--conf-dir",
      this.#confFolder,
      ...(isDryRun ? ["--dry-run"] : []),
    ];
    return this.#report(words, JSON.stringify(wish));
  }

  /** Takes away all that an apply made. Throws ExecutableError. */
  remove(): Promise<Applied> {
    return this.#report(["node", "remove", "--json", "--conf-dir", this.#confFolder]);
  }

  /** The mistakes in a configuration, as `pontoon validate` finds them. Throws ExecutableError. */
  async mistakesIn(conflist: string): Promise<string[]> {
    const value = await this.json(["validate", "--no-node", "--json", "-"], { input: conflist });
    const read = validated.safeParse(value);
    if (!read.success) throw new ExecutableError("pontoon validate printed what the agent does not know");
    return read.data.filter(({ severity }) => severity === "error").map(({ message }) => message);
  }

  /** Runs it to its end. Throws ExecutableError where it cannot be run, or does not end. */
  async call(words: readonly string[], { input = "", limitMs = this.#limitMs } = {}): Promise<Outcome> {
    const { status, failure, stdout, stderr } = await runProgram(this.path, words, {
      input,
      limitMs,
      mostBytes: MOST_OUTPUT,
    });
    if (failure !== undefined || status === undefined)
      throw new ExecutableError(`pontoon ${words.slice(0, 2).join(" ")} ${failure}`);
    return { status, stdout, stderr };
  }

  /** A call that prints JSON; any exit status may be right. Throws ExecutableError. */
  async json(words: readonly string[], options: { input?: string; limitMs?: number } = {}): Promise<unknown> {
    const { status, stdout, stderr } = await this.call(words, options);
    try {
      return JSON.parse(stdout) as unknown;
    } catch {
      throw new ExecutableError(`pontoon ${words[0]} failed with status ${status}: ${firstLine(stderr)}`);
    }
  }

  async #report(words: readonly string[], input = ""): Promise<Applied> {
    const value = await this.json(words, { input });
    const refused = wrong.safeParse(value);
    if (refused.success)
      throw new ExecutableError(`the wish is wrong: ${refused.data.wrong.join("; ")}`, refused.data.wrong);
    const read = applied.safeParse(value);
    if (read.success) return read.data;
    throw new ExecutableError(`pontoon ${words.slice(0, 2).join(" ")} printed what the agent does not know`);
  }
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0]?.slice(0, 500) || "it said nothing";
}
