// Running a program: with a limit, no environment of ours, and nothing left unread.
import { spawn } from "node:child_process";

/** The end of a program. */
export interface ProgramEnd {
  /** The exit status; undefined where a signal ended it. */
  status: number | undefined;
  /** The reason why it did not run to its end, in words: it behaved as the program named. */
  failure: string | undefined;
  stdout: string;
  stderr: string;
}

/** How a program is run. */
export interface ProgramOptions {
  input?: string;
  /** After so long it is killed. */
  limitMs: number;
  /** The most that it may print. */
  mostBytes: number;
}

/** The environment of every program: none of the agent's variables gets through. */
export const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/** Runs a program to its end. Throws nothing: what went wrong is in `failure`. */
export function runProgram(
  path: string,
  words: readonly string[],
  { input = "", limitMs, mostBytes }: ProgramOptions,
): Promise<ProgramEnd> {
  return new Promise((done) => {
    const child = spawn(path, words, { env: ENVIRONMENT, stdio: "pipe" });
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let failure: string | undefined;
    let length = 0;
    const kill = (why: string): void => {
      failure ??= why;
      child.kill("SIGKILL");
      // A child of it that lives on holds the pipes: their end is not waited for.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(() => kill(`did not end within ${limitMs / 1000} s and was killed`), limitMs);
    for (const name of ["stdout", "stderr"] as const)
      child[name].on("data", (part: Buffer) => {
        length += part.length;
        if (length > mostBytes) kill(`printed more than ${mostBytes} bytes`);
        else output[name].push(part);
      });
    const end = (status: number | undefined): void => {
      clearTimeout(timer);
      const text = (name: "stdout" | "stderr"): string => Buffer.concat(output[name]).toString("utf8");
      done({ status, failure, stdout: text("stdout"), stderr: text("stderr") });
    };
    child.on("error", (error) => {
      failure ??= `cannot be run: ${error.message}`;
      end(undefined);
    });
    child.on("close", (status, signal) => {
      if (signal !== null) failure ??= `was ended by ${signal}`;
      end(status ?? undefined);
    });
    // A program that ends before it has read all is no failure of its own.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
