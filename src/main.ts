// The whole program: read, do, answer. This file alone reads stdin and prints.
import { aboutText, helpText, versionAnswer } from "./cni/about.ts";
import { VARIABLES } from "./cni/environment.ts";
import { CniError } from "./cni/error.ts";
import { type Request, readRequest, unreadableStdin, type VersionRequest } from "./cni/request.ts";
import { answerVersion } from "./cni/version.ts";
import { asCniError, sentencesOf } from "./host/failure.ts";
import { Machine } from "./host/machine.ts";
import { textOf } from "./sys/bytes.ts";
import { variables } from "./sys/environment.ts";
import { errnoName, SystemError } from "./sys/errno.ts";
import { readAll, writeAll } from "./sys/file.ts";
import { native } from "./sys/native.ts";
import { add } from "./verb/add.ts";
import { check } from "./verb/check.ts";
import { del } from "./verb/del.ts";
import { gc } from "./verb/gc.ts";
import { migrate, readConfigFile } from "./verb/migrate.ts";
import { restore } from "./verb/restore.ts";
import { status } from "./verb/status.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** The whole program. Gives the exit status. */
export function main(): number {
  return (native.getenv("CNI_COMMAND") ?? "") === "" ? forPeople(native.argv()) : forRuntime();
}

/** A call of a runtime. Gives the exit status; stdout holds one JSON document or nothing. */
function forRuntime(): number {
  let config = "";
  try {
    const request = readRequest(variables(...VARIABLES), () => (config = readStdin()));
    if (request.verb === "VERSION") print(versionAnswer());
    else {
      using machine = Machine.open();
      answer(request, machine);
    }
    return 0;
  } catch (error) {
    return fail(asCniError(error), answerVersion(config));
  }
}

function answer(request: Exclude<Request, VersionRequest>, machine: Machine): void {
  switch (request.verb) {
    case "ADD": {
      const added = add(request, machine);
      if (added.notices !== undefined) log(added.notices);
      return print(added.output, added.undo);
    }
    case "DEL":
      return del(request, machine);
    case "CHECK":
      return check(request, machine);
    case "GC":
      return gc(request, machine);
    case "STATUS":
      return status(request, machine);
  }
}

/** A call of a person. Gives the exit status. */
function forPeople(args: string[]): number {
  const [command, ...rest] = args;
  if (command === "restore" && rest.length === 0) return sayRestored();
  if (command === "migrate") return sayMigrated(rest);
  if (command === "--help" || command === "-h" || command === "help") writeAll(STDOUT, helpText(), "stdout");
  else writeAll(STDERR, command === undefined ? aboutText() : `${aboutText()}Try --help.\n`, "stderr");
  return 0;
}

/** Puts back lost packet rules and says what was done. Errors are plain words on stderr: people read them. */
function sayRestored(): number {
  const errors: CniError[] = [];
  try {
    using machine = Machine.open();
    const restored = restore(machine);
    errors.push(...restored.errors);
    writeAll(STDOUT, restored.text, "stdout");
  } catch (error) {
    errors.push(asCniError(error));
  }
  for (const sentence of sentencesOf(errors)) writeAll(STDERR, `pontoon restore: ${sentence}.\n`, "stderr");
  return errors.length === 0 ? 0 : 1;
}

/**
 * Prints a network configuration with one entry for a chain; what is not as it was, and errors, on stderr.
 */
function sayMigrated([file, ...more]: string[]): number {
  try {
    if (file === undefined || more.length > 0)
      throw new CniError("invalidConfig", { message: "name one file, or - for stdin" });
    const { text, notes } = migrate(file === "-" ? readStdin() : readConfigFile(file));
    writeAll(STDOUT, text, "stdout");
    for (const note of notes) writeAll(STDERR, `${note}.\n`, "stderr");
    return 0;
  } catch (error) {
    for (const sentence of sentencesOf([asCniError(error)]))
      writeAll(STDERR, `pontoon migrate: ${sentence}.\n`, "stderr");
    return 1;
  }
}

/** Prints the answer as the very last act; what cannot be said is taken back. */
function print(text: string, undo: () => string[] = () => []): void {
  try {
    writeAll(STDOUT, text, "the result to stdout");
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

/** Notices for whoever reads the runtime's log: a line each on stderr. Nobody has to listen. */
function log(notices: string[]): void {
  try {
    for (const notice of notices) writeAll(STDERR, `pontoon: ${notice}\n`, "stderr");
  } catch {
    // The answer is on its way all the same.
  }
}

/** Says the error on stdout, as runtimes read it; on stderr only when stdout is closed. */
function fail(error: CniError, version: string): number {
  const text = `${error.toJson(version)}\n`;
  try {
    writeAll(STDOUT, text, "stdout");
  } catch {
    try {
      writeAll(STDERR, text, "stderr");
    } catch {
      // Nobody listens; the exit status is all that is left.
    }
  }
  return 1;
}

function readStdin(): string {
  try {
    return textOf(readAll(STDIN, "stdin"));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw unreadableStdin(errnoName(error.errno));
  }
}
