// `pontoon help`: the list of all commands, and the page of each.
import { programVersion } from "../cni/about.ts";
import { SUPPORTED_VERSIONS } from "../cni/version.ts";
import { readArguments } from "./arguments.ts";
import { type Command, Misuse } from "./command.ts";
import { findCommand } from "./find.ts";

/** The commands with one more, `help`, which lists all of them, itself included. */
export function withHelp(others: readonly Command[]): readonly Command[] {
  const help: Command = {
    name: "help",
    usage: "[COMMAND]",
    summary: "says more of a command; so does pontoon COMMAND --help",
    page: "Prints the list of all commands, or the page of one of them.\n",
    run(args) {
      const { words } = readArguments(args, {});
      const [name, ...more] = words;
      if (more.length > 0) throw new Misuse("name one command");
      return { text: name === undefined ? overviewOf(commands) : pageOf(findCommand(name, commands)) };
    },
  };
  const commands = [...others, help];
  return commands;
}

/** The help page of a command. */
export function pageOf({ name, usage, page }: Command): string {
  return `usage: pontoon ${name}${usage === "" ? "" : ` ${usage}`}\n\n${page}`;
}

function overviewOf(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  pontoon ${name.padEnd(width)}  ${summary}\n`);
  return `pontoon ${programVersion()}: a CNI plugin that gives a pod its network on a Linux bridge

A container runtime starts this program for every pod. Started by the name
loopback it is the plugin of that name, which raises the pod's own lo. People
type:

${lines.join("")}
The exit status is 0, or 1 when something could not be done, or 2 when the
command line is wrong. stderr says what and why.

A network is a file in /etc/cni/net.d. "pontoon install --help" shows such a
file. The sources explain every key in docs/configuration.md, and every error
in docs/errors.md.

CNI versions: ${SUPPORTED_VERSIONS.join(", ")}
`;
}
