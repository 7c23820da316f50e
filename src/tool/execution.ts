// The start of a program by the system, and its end.
import { check, errnoName } from "../sys/errno.ts";
import { FileHandle } from "../sys/file.ts";
import { holdsInterrupts, waitUnlessInterrupted } from "../sys/interrupts.ts";
import { native } from "../sys/native.ts";
import { POLLIN, waitFor } from "../sys/stream.ts";
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
  /** It was ended by {@link execute}, {@link PATIENCE_MS} after an interrupt. */
  isOverdue?: true;
}

/** The end of a program in words, as in `plugin a ended with status 1`. */
export function endText({ status, signal, refusal }: Ending): string {
  if (refusal !== undefined) return `could not be started: ${refusal}`;
  return signal === undefined ? `ended with status ${status}` : `was ended by ${signal}`;
}

/**
 * The time that a program has after an interrupt, in milliseconds. A plugin that waits for a lock gives up
 * before: Pontoon after 10 s, and 2 s for taking back what it did.
 */
export const PATIENCE_MS = 15_000;

/**
 * Runs a program to its end. It has no time limit, unless this process holds interrupts back: once one has
 * come, a program that does not end in {@link PATIENCE_MS} is ended with all processes of its group. Throws
 * SystemError when interrupts are held and the program cannot be watched.
 */
export function execute({ file, args, env, stdin, stdout, stderr }: Execution): Ending {
  const variables = Object.entries(env)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`);
  const list = [file, ...args];
  if (!holdsInterrupts()) return endingOf(native.spawn(file, list, variables, stdin, stdout, stderr));
  const program = native.launch(file, list, variables, stdin, stdout, stderr);
  if (program < 0) return endingOf(program);
  if (isOverInTime(program)) return endingOf(native.wait(program));
  native.kill_group(program);
  return { ...endingOf(native.wait(program)), isOverdue: true };
}

/** True when the program has ended; false {@link PATIENCE_MS} after an interrupt. */
function isOverInTime(program: number): boolean {
  using end = new FileHandle(check(native.pidfd_open(program), "watch a program"));
  return waitUnlessInterrupted(end.fd) || waitFor(end.fd, POLLIN, PATIENCE_MS);
}

/** The ending by the wait status, or `-errno`. */
function endingOf(result: number): Ending {
  const nothing = { status: undefined, signal: undefined, refusal: undefined };
  if (result < 0) return { ...nothing, refusal: errnoName(-result) };
  // wait(2): the signal, or the exit status in the byte above.
  const signal = result & 0x7f;
  return signal !== 0
    ? { ...nothing, signal: signalName(signal) }
    : { ...nothing, status: (result >> 8) & 0xff };
}
