// The command line behind a command's name: options and words.
import { quote } from "../cni/problems.ts";
import { similarName } from "../cni/similar.ts";
import { Misuse } from "./command.ts";

/** The options of a command by their names without the dashes: `flag` stands alone, `value` takes a value. */
export type OptionKinds = { readonly [name: string]: "flag" | "value" };

/**
 * The options that were given: true for a flag, the text of a value. Of a repeated option the last counts.
 */
export type Options<Kinds extends OptionKinds> = {
  [Name in keyof Kinds]?: Kinds[Name] extends "flag" ? true : string;
};

/** The arguments behind the name of a command, as a person wrote them. */
export interface Arguments<Kinds extends OptionKinds> {
  options: Options<Kinds>;
  /** The arguments that are no options, in order. A single dash is a word. */
  words: string[];
}

/**
 * Reads `--name`, `--name VALUE`, `--name=VALUE` and words, in any order; behind `--` there are only words.
 * Throws Misuse for an option that is not in `kinds`, or has no value, or one too many.
 */
export function readArguments<Kinds extends OptionKinds>(
  args: readonly string[],
  kinds: Kinds,
): Arguments<Kinds> {
  const options: { [name: string]: true | string } = {};
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
    const equals = arg.indexOf("=");
    const option = equals === -1 ? arg : arg.slice(0, equals);
    const kind = kindOf(option, kinds);
    if (kind === "flag" && equals !== -1) throw new Misuse(`${option} takes no value`);
    // A value in the next argument may be missing, or empty when a variable of the shell is not set.
    const value = kind === "flag" ? true : equals === -1 ? args[++at] : arg.slice(equals + 1);
    if (value === undefined || value === "") throw new Misuse(`${option} needs a value`);
    options[option.slice(2)] = value;
  }
  return { options: options as Options<Kinds>, words };
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

function kindOf(option: string, kinds: OptionKinds): "flag" | "value" {
  const kind = option.startsWith("--") && Object.hasOwn(kinds, option.slice(2)) && kinds[option.slice(2)];
  if (kind === false || kind === undefined) {
    const names = Object.keys(kinds).map((name) => `--${name}`);
    throw new Misuse(unknownWord("option", option, [...names, "--help"]));
  }
  return kind;
}
