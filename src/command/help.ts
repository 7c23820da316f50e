// `pontoon help`: the list of all commands, and the page of each.
import { programVersion } from "../cni/about.ts";
import { SUPPORTED_VERSIONS } from "../cni/version.ts";
import type { Option } from "./arguments.ts";
import { type Answer, type Command, defineCommand, SUBJECTS } from "./command.ts";
import { findCommand } from "./find.ts";
import { Misuse } from "./misuse.ts";

/** The exit statuses of a command that has no others, as a paragraph. */
export const STATUSES = `0, or 1 when something could not be done, or 2 when
the command line is wrong.
`;

/** The command `help`, which lists all commands, itself included. */
export function helpOf(all: () => readonly Command[]): Command {
  return defineCommand({
    name: "help",
    subject: "help",
    words: "[COMMAND]",
    summary: "says more of a command; so does pontoon COMMAND --help",
    page: "Prints the list of all commands, or the page of one of them.\n",
    options: {},
    examples: [["help restore", "the page of restore"]],
    get completes() {
      return all().map(({ name }) => name);
    },
    run({ words }): Answer {
      const [name, ...more] = words;
      if (more.length > 0) throw new Misuse("name one command");
      return { text: name === undefined ? overviewOf(all()) : pageOf(findCommand(name, all())) };
    },
  });
}

/** The line of a command's usage, without the program's name. */
export function usageOf({ name, options, words }: Command): string {
  return [name, ...(Object.keys(options).length === 0 ? [] : ["[OPTION]..."]), words]
    .filter((part) => part !== "")
    .join(" ");
}

/** The help page of a command. */
export function pageOf(command: Command): string {
  const { page, options, examples = [], more, statuses = STATUSES } = command;
  const parts = [
    `usage: pontoon ${usageOf(command)}\n`,
    page,
    columnsOf(Object.entries(options).map(([name, option]) => [spelt(name, option), option.meaning])),
    columnsOf(examples.map(([line, meaning]) => [`pontoon ${line}`, meaning])),
    more ?? "",
    `Exit status: ${statuses}`,
  ];
  return parts.filter((part) => part !== "").join("\n");
}

/** An option as it is written, with its value: `-n, --netns PATH`. */
export function spelt(name: string, { letter, value }: Option): string {
  return `${letter === undefined ? "" : `-${letter}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
}

/** The widest entry that has its meaning beside it; that of a wider one stands below. */
const MOST = 28;

/** Indented entries, each with its meaning beside it. */
function columnsOf(entries: readonly (readonly [string, string])[]): string {
  const fitting = entries.map(([entry]) => entry.length).filter((length) => length <= MOST);
  const width = Math.max(0, ...fitting);
  return entries
    .map(([entry, meaning]) => {
      const [first, ...others] = meaning.split("\n");
      const margin = `\n  ${" ".repeat(width)}  `;
      const head = entry.length > width ? `${entry}${margin}` : `${entry.padEnd(width)}  `;
      return `  ${head}${[first, ...others].join(margin)}\n`;
    })
    .join("");
}

function overviewOf(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lists = Object.entries(SUBJECTS).map(([subject, title]) => {
    const lines = commands
      .filter((command) => command.subject === subject)
      .map(({ name, summary }) => `  pontoon ${name.padEnd(width)}  ${summary}\n`);
    return lines.length === 0 ? "" : `\n${title}\n${lines.join("")}`;
  });
  return `pontoon ${programVersion()}: a CNI plugin that gives a pod its network on a Linux bridge

A container runtime starts this program for every pod. Started by the name
loopback it is the plugin of that name, which raises the pod's own lo. People
type the commands below.
${lists.join("")}
The exit status is ${STATUSES.trimEnd()} stderr says what and why.

A network is a file in /etc/cni/net.d. "pontoon install --help" shows such a
file. "pontoon validate" finds the mistakes in one, "pontoon explain" says what
a key or an error means.

CNI versions: ${SUPPORTED_VERSIONS.join(", ")}
`;
}
