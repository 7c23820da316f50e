// Other programs, run synchronously, since the executable's engine runs nothing after `main` has returned.
import { pause } from "../sys/clock.ts";
import { SystemError } from "../sys/errno.ts";
import { O_APPEND, O_RDONLY, O_WRONLY } from "../sys/file.ts";
import { createMemoryFile, readWhole, reopen } from "../sys/memory-file.ts";
import { writeAll } from "../sys/stream.ts";
import { type Ending, execute } from "./execution.ts";

/** A program to run. */
export interface Program {
  file: string;
  args?: readonly string[];
  /** The whole environment. */
  env: Readonly<Record<string, string | undefined>>;
  stdin: string;
  /** True: the program's stderr is not passed on to Pontoon's. */
  isQuiet?: boolean;
}

/** The output of a program and its end. */
export interface Outcome extends Ending {
  stdout: string;
  stderr: string;
}

const STDERR = 2;
/** The most bytes of an output, as of Pontoon's own stdin. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * The longest wait for a program file that a process is writing: that of libcni (pkg/invoke/raw_exec.go),
 * with shorter pauses.
 */
const BUSY_MS = 5_000;
const BUSY_PAUSE_MS = 50;

/**
 * Runs a program to its end, however long that takes, and gives its output; its stderr is passed on to
 * Pontoon's unless `isQuiet`. A program that cannot be started is no exception but has a `refusal`. Throws
 * SystemError, EFBIG for an output of more than 16 MiB.
 *
 * Its input and output are files in memory, not pipes. So a child that it leaves behind keeps neither Pontoon
 * nor a runtime waiting, which reads Pontoon's stdout and stderr to their end; the program need not read its
 * input; and a script can open /dev/stderr, which a socket in its place refuses.
 */
export function runProgram({ file, args = [], env, stdin, isQuiet = false }: Program): Outcome {
  using stdout = createMemoryFile("stdout");
  using stderr = createMemoryFile("stderr");
  // O_APPEND: a program that opens /dev/stderr anew may cut the file.
  using toStdout = reopen(stdout, O_WRONLY | O_APPEND);
  using toStderr = reopen(stderr, O_WRONLY | O_APPEND);
  using input = createMemoryFile("stdin");
  writeAll(input.fd, stdin, `stdin of ${file}`);
  using fromInput = reopen(input, O_RDONLY);
  const execution = { file, args, env, stdin: fromInput.fd, stdout: toStdout.fd, stderr: toStderr.fd };
  let ending = execute(execution);
  for (let waited = 0; ending.refusal === "ETXTBSY" && waited < BUSY_MS; waited += BUSY_PAUSE_MS) {
    pause(BUSY_PAUSE_MS);
    ending = execute(execution);
  }
  const said = readWhole(stderr, `stderr of ${file}`, MOST_BYTES);
  if (!isQuiet) forward(said);
  return { ...ending, stdout: readWhole(stdout, `stdout of ${file}`, MOST_BYTES), stderr: said };
}

function forward(text: string): void {
  try {
    writeAll(STDERR, text, "stderr");
  } catch (error) {
    // A closed or full stderr is no reason to fail.
    if (!(error instanceof SystemError)) throw error;
  }
}
