// The form of a command for people. table.ts lists all commands.
import type { CniError } from "../cni/error.ts";

/** The answer of a command. src/main.ts prints it: a command prints nothing itself. */
export interface Answer {
  /** For stdout: whole lines, or nothing. */
  text: string;
  /** Sentences for stderr, without their full stop, about things that were done all the same. */
  notes?: readonly string[];
  /**
   * Errors for stderr, with the command's name in front: the things that were not done. With an error the
   * exit status is 1.
   */
  errors?: readonly CniError[];
}

/** The person's side, as a command can use it. */
export interface Person {
  /** The whole of stdin as text. Throws CniError when it cannot be read. */
  readStdin(): string;
}

/**
 * A command that people type. A command that needs the machine opens it by itself, for as long as it needs
 * it.
 */
export interface Command {
  name: string;
  /** The arguments behind the name in the help, as in "FILE"; empty for none. */
  usage: string;
  /** The summary for the list of commands: at most 60 columns, without a full stop. */
  summary: string;
  /** The help page below the line of its usage: at most 80 columns, with a final newline. */
  page: string;
  /**
   * Runs the command. `args` are the person's arguments behind the name. Throws {@link Misuse} for a wrong
   * command line, before anything is done; any other thrown value counts as its one error.
   */
  run(args: readonly string[], person: Person): Answer;
}

/** A wrong command line: what is wrong, without a full stop. The exit status is 2. */
export class Misuse extends Error {}

/** A wrong command line that names a command which does not exist. */
export class UnknownCommand extends Misuse {}
