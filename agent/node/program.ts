// Running a program: with a limit, no environment of ours, and nothing left unread.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

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

/** Starts a program with three pipes. Throws where it cannot be started. */
export function startProgram(
  path: string,
  words: readonly string[],
): Promise<ChildProcessWithoutNullStreams> {
  return new Promise((done, fail) => {
    // Without descriptors for the pipes there are none, and the error comes later (EMFILE).
    const child = spawn(path, words, { env: ENVIRONMENT, stdio: "pipe" });
    child.on("error", fail);
    child.once("spawn", () => done(child));
  });
}

/** Runs a program to its end. Throws nothing: what went wrong is in `failure`. */
export async function runProgram(
  path: string,
  words: readonly string[],
  options: ProgramOptions,
): Promise<ProgramEnd> {
  try {
    return await endOf(await startProgram(path, words), options);
  } catch (error) {
    const failure = `cannot be run: ${(error as Error).message}`;
    return { status: undefined, failure, stdout: "", stderr: "" };
  }
}

function endOf(
  child: ChildProcessWithoutNullStreams,
  { input = "", limitMs, mostBytes }: ProgramOptions,
): Promise<ProgramEnd> {
  return new Promise((done) => {
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
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      if (signal !== null) failure ??= `was ended by ${signal}`;
      const text = (name: "stdout" | "stderr"): string => Buffer.concat(output[name]).toString("utf8");
      done({ status: status ?? undefined, failure, stdout: text("stdout"), stderr: text("stderr") });
    });
    // A program that ends before it has read all is no failure of its own.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
