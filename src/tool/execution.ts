// The start of a program by the system, and its end.
import { errnoName } from "../sys/errno.ts";
import { native } from "../sys/native.ts";
import { signalName } from "./signal.ts";

/** A program to run, with the descriptors for its input and output. */
export interface Execution {
  file: string;
  args: readonly string[];
  /** The whole environment. */
  env: Readonly<Record<string, string | undefined>>;
  stdin: number;
  stdout: number;
  stderr: number;
}

/**
 * The end of a program: its exit status, or a signal, or the name of the error number (`refusal`) when it was
 * not started.
 */
export interface Ending {
  status: number | undefined;
  signal: string | undefined;
  refusal: string | undefined;
}

/** Runs a program to its end. It has no time limit. Never throws. */
export function execute({ file, args, env, stdin, stdout, stderr }: Execution): Ending {
  const variables = Object.entries(env)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`);
  const result = native.spawn(file, [file, ...args], variables, stdin, stdout, stderr);
  if (result < 0) return { status: undefined, signal: undefined, refusal: errnoName(-result) };
  // wait(2): the signal, or the exit status in the byte above.
  const signal = result & 0x7f;
  if (signal !== 0) return { status: undefined, signal: signalName(signal), refusal: undefined };
  return { status: (result >> 8) & 0xff, signal: undefined, refusal: undefined };
}
