// Running programs in a test: nothing is left unread, and everything has a time limit.
import { execa } from "execa";
import { waitFor } from "./wait.ts";

export interface RunOptions {
  /** The whole environment: nothing of the test's own gets through. */
  env?: Record<string, string>;
  stdin?: string;
  timeoutMs?: number;
}

/** An executable that is slower than the real one (scripts/asan.mjs) gets so many times as long. */
export const SLOWNESS = Number(process.env["PONTOON_SLOWNESS"] ?? 1);

/** What a program did, whatever its end. */
export interface Outcome {
  command: string;
  /** The exit status; undefined when a signal ended it. */
  status: number | undefined;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. Throws only when it cannot be started or takes longer than the limit. */
export async function run(
  command: string[],
  { env = {}, stdin = "", timeoutMs = 15_000 }: RunOptions = {},
): Promise<Outcome> {
  const [file = "", ...args] = command;
  const result = await execa(file, args, {
    env,
    extendEnv: false,
    input: stdin,
    timeout: SLOWNESS * timeoutMs,
    killSignal: "SIGKILL",
    reject: false,
    stripFinalNewline: false,
  });
  const outcome = outcomeOf(command, result);
  if (result.timedOut)
    throw new Error(`Did not end within ${SLOWNESS * timeoutMs} ms.\n${describe(outcome)}`);
  if (result.code === "ENOENT")
    throw new Error(`Cannot be started: ${outcome.command}. Hint: run scripts/setup --test.`);
  return outcome;
}

function outcomeOf(
  command: string[],
  { exitCode, stdout, stderr }: { exitCode?: number | undefined; stdout: string; stderr: string },
): Outcome {
  return { command: command.join(" "), status: exitCode, stdout, stderr };
}

/** An outcome for a person: the command, how it ended and all it said. */
export function describe({ command, status, stdout, stderr }: Outcome): string {
  return `$ ${command}\nexit status: ${status ?? "ended by a signal"}\nstdout: ${stdout}\nstderr: ${stderr}`;
}

/** A program in the background. Its own limit ends it when the test forgets to. */
export class BackgroundProcess implements AsyncDisposable {
  readonly #command: string[];
  readonly #child: ReturnType<typeof launch>;
  /** Both streams, as far as they have come. */
  output = "";

  constructor(command: string[], options: RunOptions = {}) {
    this.#command = command;
    this.#child = launch(command, options);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`Did not start: ${this.#command.join(" ")}`);
    return this.#child.pid;
  }

  /** Waits until the program has said `text`. */
  async says(text: string, limitMs = 10_000): Promise<void> {
    await waitFor(
      `the program says "${text}", it said: ${this.output}`,
      () => this.output.includes(text),
      limitMs,
    );
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  /**
   * Ends its standard input, for programs that live as long as that is open, and waits for the end; gives
   * what it did.
   */
  async finish(): Promise<Outcome> {
    this.#child.stdin.end();
    return outcomeOf(this.#command, await this.#child);
  }

  async stop(signal: "SIGTERM" | "SIGINT" | "SIGKILL" = "SIGKILL"): Promise<void> {
    this.#child.kill(signal);
    await this.#child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function launch([file = "", ...args]: string[], { env = {}, timeoutMs = 30_000 }: RunOptions) {
  return execa(file, args, {
    env,
    extendEnv: false,
    stdin: "pipe",
    timeout: SLOWNESS * timeoutMs,
    killSignal: "SIGKILL",
    reject: false,
    stripFinalNewline: false,
  });
}
