// execa, behind one plain function. Loaded only when a program has to be run (scripts/late-modules.mjs): loading it costs
// more than the whole rest of a call.
import { execaSync } from "execa";

/** A program to run, with the descriptors that it gets as its output. */
export interface Execution {
  file: string;
  args: readonly string[];
  /** The whole environment. */
  env: Readonly<Record<string, string | undefined>>;
  stdin: Uint8Array;
  stdout: number;
  stderr: number;
}

/** How a program ended: by its exit status, by a signal, or not even started (`refusal` is the error number's name). */
export interface Ending {
  status: number | undefined;
  signal: string | undefined;
  refusal: string | undefined;
}

/** execa's types know no descriptor above 9, execa does. */
const descriptor = (fd: number): 3 => fd as 3;

/** Runs a program to its end. It has no time limit. Never throws. */
export function execute({ file, args, env, stdin, stdout, stderr }: Execution): Ending {
  const { exitCode, signal, code } = execaSync(file, args, {
    env: { ...env }, extendEnv: false, input: stdin, stdout: descriptor(stdout), stderr: descriptor(stderr), reject: false, buffer: false,
  });
  return { status: exitCode, signal, refusal: exitCode === undefined && signal === undefined ? (code ?? "EIO") : undefined };
}
