// The form of a command for people. table.ts lists all commands; help, completions and the man page are made
// from it.
import type { CniError } from "../cni/error.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { Arguments, OptionTable } from "./arguments.ts";

/** The answer of a command. src/main.ts prints it: a command prints nothing itself. */
export interface Answer {
  /** For stdout: whole lines, or nothing. */
  text: string;
  /** The data of the text, for programs: stdout where `--json` was given. */
  json?: unknown;
  /** Sentences for stderr, without their full stop, about things that were done all the same. */
  notes?: readonly string[];
  /**
   * Errors for stderr, with the command's name in front: the things that were not done. With an error the
   * exit status is 1.
   */
  errors?: readonly CniError[];
  /** The exit status, where it says something else than whether there are errors. */
  status?: number;
  /** The command is run again after that many milliseconds, until the person ends it. */
  again?: number;
  /** More of stdout, whole lines as they come, until nobody reads them any more. */
  more?: Iterable<string>;
}

/** The person's side, as a command can use it. */
export interface Person {
  /** The whole of stdin as text. Throws CniError when it cannot be read. */
  readStdin(): string;
  /** Where the answer's text is shown. */
  terminal: Terminal;
  /**
   * Asks a question that is answered by yes or no; undefined where nobody can answer, since stdin is no
   * terminal.
   */
  confirms(question: string): boolean | undefined;
  /**
   * Waits until one of the descriptors can be read, `timeoutMs` at most, or without limit (-1). False: the
   * person has gone, and nobody reads what comes.
   */
  waits(descriptors: readonly number[], timeoutMs: number): boolean;
}

/** The subjects in which the commands are listed, in this order. */
export const SUBJECTS = {
  look: "To see what is there:",
  mend: "To put things right:",
  try: "To try and to do by hand:",
  set: "To set up a node:",
  help: "To know more:",
} as const;

/** A command line with what it does, in a few words. */
export type Example = readonly [line: string, meaning: string];

/** What a command is, beside what it does: help and completions are made of this. */
export interface Description<Table extends OptionTable> {
  name: string;
  subject: keyof typeof SUBJECTS;
  /** The words behind the options in the help, as in "FILE"; empty for none. */
  words: string;
  /** The summary for the list of commands: at most 56 columns, without a full stop. */
  summary: string;
  /** What it does: paragraphs of at most 80 columns, with a final newline. */
  page: string;
  options: Table;
  /** Command lines without the program's name, each with what it does. */
  examples?: readonly Example[];
  /** What else there is to know: paragraphs below options and examples. */
  more?: string;
  /** The exit statuses, where they are others than those of every command: a paragraph. */
  statuses?: string;
  /** The exit status where nothing could be done, with an error that is thrown; 1 where it says nothing. */
  failureStatus?: number;
  /** The words that a shell offers: files, or one of these. */
  completes?: "file" | readonly string[];
}

/**
 * A command that people type. A command that needs the machine opens it by itself, for as long as it needs
 * it.
 */
export interface Command extends Description<OptionTable> {
  /**
   * Runs the command. Throws Misuse (misuse.ts) for a wrong command line, before anything is done; any other
   * thrown value counts as its one error.
   */
  run(args: Arguments<OptionTable>, person: Person): Answer;
}

/** A command whose `run` gets the options of its own table by their types. */
export function defineCommand<const Table extends OptionTable>(
  command: Description<Table> & { run(args: Arguments<Table>, person: Person): Answer },
): Command {
  return command as Command;
}
