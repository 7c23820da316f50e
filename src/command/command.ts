// What a command for people is. The table of all of them is in table.ts.
import type { CniError } from "../cni/error.ts";

/** What a command has to say. src/main.ts prints it: a command prints nothing itself. */
export interface Answer {
  /** For stdout: whole lines, or nothing. */
  text: string;
  /** For stderr: sentences without their full stop about what was done all the same. */
  notes?: readonly string[];
  /** For stderr, with the command's name in front: what was not done. With one the exit status is 1. */
  errors?: readonly CniError[];
}

/** What a command gets of the person's side. */
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
  /** What is written behind the name, as in "FILE"; empty for nothing. */
  usage: string;
  /** What the command does, for the list of all: at most 60 columns, without a full stop. */
  summary: string;
  /** The help page below the line of its usage: at most 80 columns, with a final newline. */
  page: string;
  /**
   * Does it. `args` is what the person wrote behind the name. Throws {@link Misuse} for a wrong command line,
   * before anything is done; anything else that it throws counts as its one error.
   */
  run(args: readonly string[], person: Person): Answer;
}

/** A wrong command line: what is wrong, without a full stop. The exit status is 2. */
export class Misuse extends Error {}

/** A wrong command line that names a command which does not exist. */
export class UnknownCommand extends Misuse {}
