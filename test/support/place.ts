// A place where commands run: the throw-away host itself, or one of its pods.
import { BackgroundProcess, describe, type Outcome, type RunOptions, run } from "./process.ts";
import { SYSTEM_PATH, toolPath } from "./tool.ts";

const BASE_ENVIRONMENT = { PATH: SYSTEM_PATH, LC_ALL: "C" };

/** A command: words divided by blanks, or a list where a word holds a blank itself. */
export type Command = string | string[];

export class Place {
  readonly name: string;
  /** The path of the network namespace as seen inside the throw-away host; undefined for the host itself. */
  readonly namespace: string | undefined;
  readonly #enter: string[];

  constructor(name: string, holder: number, namespace?: string) {
    this.name = name;
    this.namespace = namespace;
    // The namespace file lies in the holder's mount namespace; /proc/PID/root leads there from outside.
    const network = namespace === undefined ? "--net" : `--net=/proc/${holder}/root${namespace}`;
    this.#enter = [toolPath("nsenter"), "--target", String(holder), "--mount", network, "--"];
  }

  /** Runs a command to its end, whatever the end. */
  async exec(command: Command, options: RunOptions = {}): Promise<Outcome> {
    return run(this.#wrap(command), withBase(options));
  }

  /** Runs a command that has to succeed; gives what it printed. */
  async must(command: Command, options: RunOptions = {}): Promise<string> {
    const outcome = await this.exec(command, options);
    if (outcome.status !== 0)
      throw new Error(`A command of the test failed in ${this.name}.\n${describe(outcome)}`);
    return outcome.stdout;
  }

  /**
   * Runs a command that has to succeed and print JSON. An empty answer is an empty list, as `ip -j` means it.
   */
  async json<T>(command: Command): Promise<T> {
    const text = await this.must(command);
    return JSON.parse(text.trim() === "" ? "[]" : text) as T;
  }

  /** Starts a command in the background. */
  start(command: Command, options: RunOptions = {}): BackgroundProcess {
    return new BackgroundProcess(this.#wrap(command), withBase(options));
  }

  #wrap(command: Command): string[] {
    return [...this.#enter, ...(typeof command === "string" ? command.split(" ") : command)];
  }
}

function withBase(options: RunOptions): RunOptions {
  return { ...options, env: { ...BASE_ENVIRONMENT, ...options.env } };
}
