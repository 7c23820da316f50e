// The command line behind a command's name: options and words.
import { quote } from "../cni/problems.ts";
import { similarName } from "../cni/similar.ts";
import { Misuse } from "./misuse.ts";

/** An option of a command. */
export interface Option {
  /** Its letter, which stands behind a single dash. */
  letter?: string;
  /** The name of its value in the help, as in "DIR"; without one the option stands alone. */
  value?: string;
  /** It may be given several times, and every value counts. */
  isRepeated?: true;
  /** The values that there are; any other is refused. */
  choices?: readonly string[];
  /** The meaning, for the help: at most 56 columns and one line, or several lines. */
  meaning: string;
}

/** The options of a command by their names without the dashes. */
export type OptionTable = { readonly [name: string]: Option };

/** The option by which a command prints JSON: `Answer.json` is printed in the place of its text. */
export const JSON_OPTION = { json: { meaning: "print JSON, for programs" } } as const;

/** The options that were given. Of a repeated option the last counts, or all where it says so. */
export type Options<Table extends OptionTable> = {
  -readonly [Name in keyof Table]?: Table[Name] extends { isRepeated: true }
    ? string[]
    : Table[Name] extends { choices: readonly (infer Choice)[] }
      ? Choice
      : Table[Name] extends { value: string }
        ? string
        : true;
};

/** The arguments behind the name of a command, as a person wrote them. */
export interface Arguments<Table extends OptionTable> {
  options: Options<Table>;
  /** The arguments that are no options, in order. A single dash is a word. */
  words: string[];
}

/**
 * Reads `--name`, `--name VALUE`, `--name=VALUE`, `-l`, `-l VALUE` and words, in any order; behind `--` there
 * are only words. Throws Misuse for an option that is not in `table`, or has no value, or one too many.
 */
export function readArguments<Table extends OptionTable>(
  args: readonly string[],
  table: Table,
): Arguments<Table> {
  const options: { [name: string]: true | string | string[] } = {};
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") {
      words.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      words.push(arg);
      continue;
    }
    const equals = arg.startsWith("--") ? arg.indexOf("=") : -1;
    const written = equals === -1 ? arg : arg.slice(0, equals);
    const [name, option] = findOption(written, table);
    if (option.value === undefined) {
      if (equals !== -1) throw new Misuse(`${written} takes no value`);
      options[name] = true;
      continue;
    }
    // A value in the next argument may be missing, or empty when a variable of the shell is not set.
    const value = checked(written, equals === -1 ? args[++at] : arg.slice(equals + 1), option);
    options[name] = option.isRepeated === true ? [...((options[name] as string[]) ?? []), value] : value;
  }
  return { options: options as Options<Table>, words };
}

/** Refuses all words, for a command that takes none. Throws Misuse. */
export function refuseWords(words: readonly string[]): void {
  if (words[0] !== undefined) throw new Misuse(`${quote(words[0])} is one word too many`);
}

/** The sentence about an unknown word, with the most similar name that exists. */
export function unknownWord(what: string, word: string, names: readonly string[]): string {
  const meant = similarName(word, names);
  return `unknown ${what} ${quote(word)}${meant === undefined ? "" : `; did you mean "${meant}"?`}`;
}

/** The sentence about an unknown word where few are known: the most similar one, else all of them. */
export function unknownChoice(what: string, word: string, names: readonly string[]): string {
  const sentence = unknownWord(what, word, names);
  return sentence.endsWith("?") ? sentence : `${sentence}; there is ${names.join(", ")}`;
}

/** The option that was written as `--name` or `-l`, with its name. Throws Misuse when there is none. */
function findOption(written: string, table: OptionTable): [string, Option] {
  const found = Object.entries(table).find(
    ([name, { letter }]) => written === `--${name}` || (letter !== undefined && written === `-${letter}`),
  );
  if (found !== undefined) return found;
  if (written === "--help") throw new Misuse("--help takes no value");
  const names = Object.keys(table).map((name) => `--${name}`);
  throw new Misuse(unknownWord("option", written, [...names, "--help"]));
}

function checked(written: string, value: string | undefined, { choices }: Option): string {
  if (value === undefined || value === "") throw new Misuse(`${written} needs a value`);
  if (choices !== undefined && !choices.includes(value))
    throw new Misuse(unknownChoice(`value of ${written}`, value, choices));
  return value;
}
