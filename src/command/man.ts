// `pontoon man`: the manual page, from the table of commands.
import { programVersion } from "../cni/about.ts";
import { refuseWords } from "./arguments.ts";
import { type Answer, type Command, defineCommand, SUBJECTS } from "./command.ts";
import { STATUSES, spelt, usageOf } from "./help.ts";

/** The command `man`, whose page is about all commands, itself included. */
export function manOf(all: () => readonly Command[]): Command {
  return defineCommand({
    name: "man",
    subject: "help",
    words: "",
    summary: "prints the manual page of all commands",
    page: "Prints the manual page of all commands, in the form that man reads.\n",
    options: {},
    examples: [
      ["man | man -l -", "read it"],
      ["man > /usr/local/share/man/man8/pontoon.8", "install it"],
    ],
    run({ words }): Answer {
      refuseWords(words);
      return { text: manual(all()) };
    },
  });
}

function manual(commands: readonly Command[]): string {
  const listed = Object.keys(SUBJECTS).flatMap((subject) =>
    commands.filter((command) => command.subject === subject),
  );
  return `.TH PONTOON 8 "" "pontoon ${programVersion()}"
.SH NAME
pontoon \\- CNI plugin that gives a pod its network
.SH SYNOPSIS
.B pontoon
.I COMMAND
[\\fIOPTION\\fR]... [\\fIWORD\\fR]...
.SH DESCRIPTION
A container runtime starts this program for every pod, with the parameters of the
Container Network Interface in its environment. With an argument it is a tool for people.
${listed.map(sectionOf).join("")}.SH EXIT STATUS
${escaped(STATUSES)}.SH FILES
.TP
.I /etc/cni/net.d
Network configurations; a runtime takes the first by name.
.TP
.I /var/lib/cni/pontoon
A record of each attachment.
.TP
.I /var/lib/cni/networks
A lease of each address.
.SH SEE ALSO
.BR ip (8),
.BR bridge (8),
.BR nft (8)
`;
}

function sectionOf(command: Command): string {
  const { page, options, examples = [], more, statuses } = command;
  const entries = Object.entries(options).map(
    ([name, option]) => `.TP\n.B ${escaped(spelt(name, option))}\n${escaped(option.meaning)}\n`,
  );
  const lines = examples.map(([line, meaning]) => `.TP\n.B pontoon ${escaped(line)}\n${escaped(meaning)}\n`);
  return [
    `.SH pontoon ${escaped(usageOf(command))}\n`,
    paragraphs(page),
    ...entries,
    ...lines,
    more === undefined ? "" : `.PP\n${paragraphs(more)}`,
    statuses === undefined ? "" : `.PP\nExit status: ${escaped(statuses)}`,
  ].join("");
}

/** Paragraphs; indented lines stay as they are. */
function paragraphs(text: string): string {
  return text
    .trimEnd()
    .split("\n\n")
    .map((paragraph) =>
      /^ /m.test(paragraph) ? `.nf\n${escaped(paragraph)}\n.fi\n` : `${escaped(paragraph)}\n`,
    )
    .join(".PP\n");
}

/** The ASCII signs in whose place troff prints typographic ones (groff_char(7)). */
const SIGNS: { readonly [sign: string]: string } = {
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
};

/** A text without what troff would take for requests and escapes. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/['`^~]/g, (sign) => SIGNS[sign] ?? sign)
    .replaceAll(/^(?=\.)/gm, "\\&");
}
