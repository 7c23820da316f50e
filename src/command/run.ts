// The way from a person's arguments to the printout: the command is found and run, its answer is put into
// lines.
import type { CniError } from "../cni/error.ts";
import { asciiJson } from "../cni/json.ts";
import { asCniError } from "../failure/failure.ts";
import { shown } from "../terminal/terminal.ts";
import { readArguments } from "./arguments.ts";
import type { Answer, Command, Person } from "./command.ts";
import { findCommand } from "./find.ts";
import { pageOf } from "./help.ts";
import { Misuse, UnknownCommand } from "./misuse.ts";
import { COMMANDS } from "./table.ts";

/** The output of a command and its exit status. */
export interface Printout {
  /** The program and the command, as error lines begin: "pontoon restore". */
  title: string;
  /** Whole lines, or nothing. */
  stdout: string;
  /** Whole lines, or nothing. */
  stderr: string;
  /** The exit status: 0, or 1 when a part failed, or 2 for a wrong command line. */
  status: number;
  /** The command is run again after that many milliseconds; undefined: it has ended. */
  again?: number | undefined;
  /** More lines of stdout, as they come. Throws CniError and SystemError. */
  more?: Iterable<string> | undefined;
}

/** Runs the command that the arguments of the process name; there is at least one. Throws nothing. */
export function runCommand([word = "", ...rest]: readonly string[], person: Person): Printout {
  let title = "pontoon";
  let status = 1;
  try {
    const command = findCommand(word, COMMANDS);
    title = `pontoon ${command.name}`;
    status = command.failureStatus ?? 1;
    return printoutOf(title, asksForHelp(rest) ? { text: pageOf(command) } : answerOf(command, rest, person));
  } catch (error) {
    if (error instanceof UnknownCommand) return misused("pontoon", error);
    if (error instanceof Misuse) return misused(title, error);
    return printoutOf(title, { text: "", errors: [asCniError(error)], status });
  }
}

/**
 * The lines of errors as people read them on stderr: plain words, each with the command in front. The words
 * of another program may have several lines.
 */
export function errorLines(title: string, errors: readonly CniError[]): string {
  return errors.map((error) => `${title}: ${lineOf(error.explained())}\n`).join("");
}

/** The message and the details of an error. Details that are no sentences of ours go on with the message. */
function lineOf({ message, details }: CniError): string {
  const glue = /[.!?]$/.test(message) ? " " : /^[A-Z]/.test(details) ? ". " : ": ";
  const text = details === "" ? message : `${message}${glue}${details}`;
  return shown((/[.!?]$/.test(text) ? text : `${text}.`).replaceAll(/\s*\n\s*/g, " "));
}

/** True when the arguments ask for help. Words behind `--` are no options. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).some((arg) => arg === "--help" || arg === "-h");
}

function answerOf(command: Command, rest: readonly string[], person: Person): Answer {
  const args = readArguments(rest, command.options);
  const answer = command.run(args, person);
  const { json } = answer;
  // People of Kubernetes write -o json, where there is an option of that name.
  const wantsJson = "json" in args.options || (args.options["output"] as unknown) === "json";
  if (!wantsJson || json === undefined) return answer;
  return { ...answer, text: `${asciiJson(json, 2)}\n` };
}

function printoutOf(title: string, answer: Answer): Printout {
  const { text, notes = [], errors = [], status = errors.length === 0 ? 0 : 1, again, more } = answer;
  const stderr = notes.map((note) => `${shown(note)}.\n`).join("") + errorLines(title, errors);
  return { title, stdout: text, stderr, status, again, more };
}

function misused(title: string, { message }: Misuse): Printout {
  const stderr = `${title}: ${shown(message)}${message.endsWith("?") ? "" : "."}\nTry "${title} --help".\n`;
  return { title, stdout: "", stderr, status: 2 };
}
