// `pontoon completion`: what a shell offers behind "pontoon", from the table of commands.
import type { Option } from "./arguments.ts";
import { type Answer, type Command, defineCommand } from "./command.ts";
import { Misuse } from "./misuse.ts";

const SHELLS = { bash, zsh, fish } as const;
type Shell = keyof typeof SHELLS;
const NAMES = Object.keys(SHELLS) as Shell[];

/** The command `completion`, which completes all commands, itself included. */
export function completionOf(all: () => readonly Command[]): Command {
  return defineCommand({
    name: "completion",
    subject: "help",
    words: NAMES.join("|"),
    summary: "prints what a shell needs to complete these commands",
    page: "Prints a script by which a shell completes commands, options and their values.\n",
    options: {},
    examples: [
      ["completion bash > /etc/bash_completion.d/pontoon", "for bash"],
      ["completion zsh > /usr/share/zsh/site-functions/_pontoon", "for zsh"],
      ["completion fish > /etc/fish/completions/pontoon.fish", "for fish"],
    ],
    completes: NAMES,
    run({ words }): Answer {
      const shell = NAMES.find((name) => name === words[0]);
      if (shell === undefined || words.length > 1) throw new Misuse(`name one shell: ${NAMES.join(", ")}`);
      return { text: SHELLS[shell](all()) };
    },
  });
}

/** The option that every command has. */
const HELP: readonly [string, Option] = ["help", { letter: "h", meaning: "print the page of this command" }];

const optionsOf = ({ options }: Command): (readonly [string, Option])[] => [...Object.entries(options), HELP];

/** The first line of what an option means: shells show one. */
const lineOf = ({ meaning }: Option): string => meaning.split("\n", 1)[0] ?? "";

/** The kinds of values that are names of files, by the name that the help gives them. */
const FILES = /^(FILE|PATH)$/;

function bash(commands: readonly Command[]): string {
  const values = commands.flatMap((command) =>
    optionsOf(command).flatMap(([name, option]) => {
      if (option.value === undefined) return [];
      const written = [`--${name}`, ...(option.letter === undefined ? [] : [`-${option.letter}`])];
      const cases = written.map((each) => `${command.name}:${each}`).join("|");
      return [`    ${cases}) ${bashValue(option)}; return ;;\n`];
    }),
  );
  const lists = commands.map((command) => {
    const options = optionsOf(command).map(([name]) => `--${name}`);
    const words = Array.isArray(command.completes) ? command.completes : [];
    const files = command.completes === "file" ? ' files="yes"' : "";
    return `    ${command.name}) options="${options.join(" ")}" words="${words.join(" ")}"${files} ;;\n`;
  });
  return `# bash completion of pontoon
_pontoon() {
  local word=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} options="" words="" files=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "${commands.map(({ name }) => name).join(" ")} --help --version" -- "$word")
    return
  fi
  case "$command:\${COMP_WORDS[COMP_CWORD - 1]}" in
${values.join("")}  esac
  case "$command" in
${lists.join("")}  esac
  case "$word" in
    -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word") ;;
  esac
  if [ -n "$files" ] && [ "\${word#-}" = "$word" ]; then _pontoon_files -f; fi
}
# Names of files or folders, which bash quotes, and ends by a slash where they are folders.
_pontoon_files() {
  mapfile -t COMPREPLY < <(compgen "$1" -- "$word")
  compopt -o filenames 2> /dev/null
}
complete -F _pontoon pontoon
`;
}

function bashValue({ value = "", choices }: Option): string {
  if (choices !== undefined) return `mapfile -t COMPREPLY < <(compgen -W "${choices.join(" ")}" -- "$word")`;
  if (value === "DIR") return "_pontoon_files -d";
  return FILES.test(value) ? "_pontoon_files -f" : ":";
}

function zsh(commands: readonly Command[]): string {
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}\n`);
  const cases = commands.map((command) => {
    const options = optionsOf(command).flatMap(([name, option]) => {
      const { letter, value, isRepeated } = option;
      const rest = `[${lineOf(option).replaceAll(/[[\]]/g, "")}]${value === undefined ? "" : `:${value}:${zshValue(option)}`}`;
      const mark = isRepeated === true ? "*" : "";
      return [`--${name}`, ...(letter === undefined ? [] : [`-${letter}`])].map((each) => mark + each + rest);
    });
    const { completes } = command;
    const words =
      completes === undefined
        ? []
        : [`*:word:${completes === "file" ? "_files" : `(${completes.join(" ")})`}`];
    return `    ${command.name}) _arguments ${[...options, ...words].map(quoted).join(" ")} ;;\n`;
  });
  return `#compdef pontoon
_pontoon() {
  local -a commands
  commands=(
${names.join("")}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${cases.join("")}  esac
}
# The first time that zsh loads this file it runs it in the place of the function.
if [ "\${funcstack[1]}" = _pontoon ]; then _pontoon "$@"; else compdef _pontoon pontoon; fi
`;
}

function zshValue({ value = "", choices }: Option): string {
  if (choices !== undefined) return `(${choices.join(" ")})`;
  if (value === "DIR") return "_files -/";
  return FILES.test(value) ? "_files" : "";
}

function fish(commands: readonly Command[]): string {
  const first = commands.map(
    ({ name, summary }) =>
      `complete -c pontoon -f -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}\n`,
  );
  const rest = commands.flatMap((command) => {
    const here = `complete -c pontoon -n '__fish_seen_subcommand_from ${command.name}'`;
    const options = optionsOf(command).map(([name, option]) => {
      const { letter, value, choices } = option;
      const short = letter === undefined ? "" : ` -s ${letter}`;
      const list = choices === undefined ? "" : ` -f -a ${quoted(choices.join(" "))}`;
      return `${here} -l ${name}${short}${value === undefined ? "" : ` -r${list}`} -d ${quoted(lineOf(option))}\n`;
    });
    const { completes } = command;
    if (completes === undefined) return options;
    return [...options, `${here} ${completes === "file" ? "-F" : `-f -a ${quoted(completes.join(" "))}`}\n`];
  });
  return `# fish completion of pontoon\n${[...first, ...rest].join("")}`;
}

/** A text as one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
