// A command by the word that a person typed.
import { unknownWord } from "./arguments.ts";
import type { Command } from "./command.ts";
import { UnknownCommand } from "./misuse.ts";

/** The options that stand for commands, because people know them from other programs. */
const COMMAND_OF_OPTION: { readonly [option: string]: string } = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-V": "version",
};

/** The command of that name. Throws UnknownCommand, with the most similar name, when there is none. */
export function findCommand(word: string, commands: readonly Command[]): Command {
  const wanted = Object.hasOwn(COMMAND_OF_OPTION, word) ? COMMAND_OF_OPTION[word] : word;
  const command = commands.find(({ name }) => name === wanted);
  if (command !== undefined) return command;
  if (!word.startsWith("-"))
    throw new UnknownCommand(
      unknownWord(
        "command",
        word,
        commands.map(({ name }) => name),
      ),
    );
  const sentence = unknownWord("option", word, Object.keys(COMMAND_OF_OPTION));
  throw new UnknownCommand(
    sentence.endsWith("?") ? sentence : `${sentence}; options stand behind the name of a command`,
  );
}
