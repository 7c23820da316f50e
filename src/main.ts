// The whole program: read, do, answer. This file alone reads stdin and prints.
import { aboutText, LOOPBACK, pluginOf, versionAnswer } from "./cni/about.ts";
import { VARIABLES } from "./cni/environment.ts";
import { CniError } from "./cni/error.ts";
import { type Request, readRequest, unreadableStdin, type VersionRequest } from "./cni/request.ts";
import { answerVersion } from "./cni/version.ts";
import { errorLines, type Printout, runCommand } from "./command/run.ts";
import { asCniError } from "./failure/failure.ts";
import { Node } from "./host/node.ts";
import { traceRequests } from "./host/trace.ts";
import { loopback } from "./loopback/loopback.ts";
import { textOf } from "./sys/bytes.ts";
import { Caller } from "./sys/caller.ts";
import { variables } from "./sys/environment.ts";
import { errnoName, isErrno, SystemError } from "./sys/errno.ts";
import { native } from "./sys/native.ts";
import { readAll, writeAll, writeAllWaiting } from "./sys/stream.ts";
import { PLAIN, shown, type Terminal } from "./terminal/terminal.ts";
import { add } from "./verb/add.ts";
import { check } from "./verb/check.ts";
import { del } from "./verb/del.ts";
import { gc } from "./verb/gc.ts";
import { Journal } from "./verb/journal.ts";
import { status } from "./verb/status.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/**
 * The whole program. Gives the exit status.
 *
 * Any argument means a person, whatever CNI_COMMAND says. A runtime starts a plugin without arguments: by the
 * CNI specification parameters are environment variables and the configuration is stdin, and libcni, which
 * containerd, CRI-O and podman call plugins by, passes none. A person's shell, or a hook that a runtime
 * started, may still have CNI_COMMAND in its environment, and must not make a DEL of "pontoon restore".
 *
 * A runtime calls a plugin by the path of its file, so the name says which plugin is meant.
 */
export function main(): number {
  const args = native.argv();
  if (args.length > 0) return forPerson(args);
  const name = pluginOf(native.program_name());
  if ((native.getenv("CNI_COMMAND") ?? "") === "") return forProbe(name);
  return forRuntime(name === LOOPBACK ? asLoopback : asPontoon);
}

/** A plugin: reads environment and stdin, does what a runtime asks for, and prints the answer. */
type Plugin = (env: Record<string, string | undefined>, readStdin: () => string) => void;

/** A call of a runtime. Gives the exit status; stdout holds one JSON document or nothing. */
function forRuntime(plugin: Plugin): number {
  let config = "";
  try {
    plugin(variables(...VARIABLES), () => (config = readStdin()));
    return 0;
  } catch (error) {
    return fail(asCniError(error), answerVersion(config));
  }
}

const asPontoon: Plugin = (env, read) => {
  const journal = new Journal(env);
  try {
    const request = readRequest(env, () => journal.begin(read()));
    if (request.verb === "VERSION") return print(versionAnswer());
    using node = Node.open();
    answer(request, node, journal);
  } catch (error) {
    const failure = asCniError(error);
    log(journal.end(failure));
    throw failure;
  }
  log(journal.end(undefined));
};

const asLoopback: Plugin = (env, read) => print(loopback(env, read));

function answer(request: Exclude<Request, VersionRequest>, node: Node, journal: Journal): void {
  switch (request.verb) {
    case "ADD": {
      log(journal.note(request.netconf.misspelt.map(({ text }) => text)));
      const added = add(request, node);
      log(journal.note(added.notices));
      return print(added.output, added.undo);
    }
    case "DEL":
      return del(request, node);
    case "CHECK":
      return check(request, node);
    case "GC":
      return gc(request, node);
    case "STATUS":
      return status(request, node);
  }
}

/**
 * Answers a call without arguments and without CNI_COMMAND, which asks what this program is. The Go skeleton
 * answers on stderr too. Gives the exit status.
 */
function forProbe(name: string): number {
  writeAllWaiting(STDERR, aboutText(name), "stderr");
  return 0;
}

/** A call of a person. Gives the exit status. */
function forPerson(args: readonly string[]): number {
  const terminal = terminalOf(STDOUT);
  if ((native.getenv("PONTOON_TRACE") ?? "") !== "")
    traceRequests((line) => sayTo(STDERR, `${shown(line)}\n`, "stderr"));
  for (;;) {
    const printout = runCommand(args, { readStdin, confirms, terminal, waits });
    const { again, more } = printout;
    const screen = again !== undefined && terminal.canClear ? CLEAR : "";
    const status = say(screen, printout);
    if (more !== undefined) return goOn(printout.title, more);
    if (again === undefined || status === undefined) return status ?? 1;
    native.usleep(again * 1000);
  }
}

/** Moves the cursor to the first place and clears the screen (ECMA-48: CUP, ED). */
const CLEAR = "\u001b[H\u001b[2J";

/** Prints the answer of a command. Gives its exit status, or undefined when stdout takes no more. */
function say(before: string, { title, stdout, stderr, status }: Printout): number | undefined {
  const unsaid = sayTo(STDOUT, before + stdout, "stdout");
  // A reader that has seen enough, as in "pontoon ls | head", need not be told.
  const isTold = unsaid !== undefined && !isErrno(unsaid, "EPIPE");
  sayTo(STDERR, stderr + (isTold ? errorLines(title, [asCniError(unsaid)]) : ""), "stderr");
  return unsaid === undefined ? status : undefined;
}

let caller: Caller | undefined;

/** Waits for events as long as somebody reads what comes of them. */
function waits(descriptors: readonly number[], timeoutMs: number): boolean {
  caller ??= new Caller();
  return caller.waits(descriptors, timeoutMs);
}

/** Prints what comes until nobody reads it any more, which is no failure. Gives the exit status. */
function goOn(title: string, more: Iterable<string>): number {
  try {
    for (const text of more)
      if (caller?.takes() === false || sayTo(STDOUT, text, "stdout") !== undefined) break;
    return 0;
  } catch (error) {
    sayTo(STDERR, errorLines(title, [asCniError(error)]), "stderr");
    return 1;
  }
}

/** The terminal that a descriptor is, or the plain file. NO_COLOR takes the colours away (no-color.org). */
function terminalOf(fd: number): Terminal {
  const columns = native.terminal_columns(fd);
  if (columns < 0) return PLAIN;
  const canClear = native.getenv("TERM") !== "dumb";
  const hasColours = canClear && (native.getenv("NO_COLOR") ?? "") === "";
  return { columns: columns === 0 ? 80 : columns, hasColours, canClear };
}

/** Asks a person on the terminal; undefined without one. */
function confirms(question: string): boolean | undefined {
  if (native.terminal_columns(STDIN) < 0) return undefined;
  if (sayTo(STDERR, `${question} [y/N] `, "stderr") !== undefined) return undefined;
  return /^y(es)?\n?$/i.test(readLine());
}

/** One line of a terminal, which gives a line at a time. */
function readLine(): string {
  const buffer = new Uint8Array(256);
  const count = native.read(STDIN, buffer);
  return count <= 0 ? "" : textOf(buffer.subarray(0, count));
}

/** Prints to a person; gives the error when the stream is closed or full. */
function sayTo(fd: number, text: string, what: string): SystemError | undefined {
  try {
    writeAllWaiting(fd, text, what);
    return undefined;
  } catch (error) {
    if (error instanceof SystemError) return error;
    throw error;
  }
}

/** Prints the answer as the last act; when it cannot be printed, `undo` takes the work back. */
function print(text: string, undo: () => string[] = () => []): void {
  try {
    writeAllWaiting(STDOUT, text, "the result to stdout");
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw new CniError("ioFailure", {
      about: "the result could not be printed",
      cause: errnoName(error.errno),
      notUndone: undo(),
      hint: "Find out why the plugin's output could not be written, then run ADD again",
    });
  }
}

/**
 * Prints notices for the runtime's log, one line each on stderr. A closed stderr is no error, and a full one
 * with O_NONBLOCK takes no more of them: the answer waits for nobody who does not read the log.
 */
function log(notices: readonly string[]): void {
  try {
    for (const notice of notices) writeAll(STDERR, `pontoon: ${notice}\n`, "stderr");
  } catch {
    // The answer follows on stdout, whatever becomes of stderr.
  }
}

/** Prints the error on stdout, as runtimes read it; on stderr only when stdout is closed. */
function fail(error: CniError, version: string): number {
  const text = `${error.toJson(version)}\n`;
  try {
    writeAllWaiting(STDOUT, text, "stdout");
  } catch {
    try {
      writeAll(STDERR, text, "stderr");
    } catch {
      // Both streams are closed; the exit status is all that is left.
    }
  }
  return 1;
}

function readStdin(): string {
  try {
    return textOf(readAll(STDIN, "stdin", { waits: true }));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw unreadableStdin(errnoName(error.errno));
  }
}
