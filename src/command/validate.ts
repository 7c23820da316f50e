// `pontoon validate`: the mistakes in network configurations, before a pod meets them.

import { CniError } from "../cni/error.ts";
import { attempt } from "../failure/failure.ts";
import { Node } from "../host/node.ts";
import { CONFIGURATIONS, EXECUTABLES } from "../survey/folder.ts";
import { textOf } from "../sys/bytes.ts";
import { fileIdentity, fileStatus } from "../sys/status.ts";
import { JSON_OPTION, type Options } from "./arguments.ts";
import { type Answer, defineCommand } from "./command.ts";
import { Misuse } from "./misuse.ts";
import { readConfigFile } from "./network/file.ts";
import { endingsFor, isNameFor, pathIn, readConfigFolder } from "./network/folder.ts";
import { counted } from "./text.ts";
import { Content } from "./validate/content.ts";
import { type Finding, jsonOf, linesOf } from "./validate/finding.ts";
import { folderRemarks, type Named } from "./validate/folder.ts";
import { fileRemarks, foldersThere, interfaceRemarks, programRemarks, readEntries } from "./validate/node.ts";

const OPTIONS = {
  "no-node": { meaning: "look at the files alone, as for another node or in CI" },
  "bin-dir": {
    value: "DIR",
    isRepeated: true,
    meaning: "where the runtime looks for plugins  (/opt/cni/bin)",
  },
  "conf-dir": {
    value: "DIR",
    meaning: "where the runtime looks for networks  (/etc/cni/net.d)",
  },
  ...JSON_OPTION,
} as const;

export const validate = defineCommand({
  name: "validate",
  subject: "set",
  words: "FILE|DIR|-...",
  summary: "finds the mistakes in a network configuration",
  page: `Reads network configurations as a runtime and an ADD read them, and prints every
mistake with its line and column: slips in the JSON, keys that nobody reads,
wrong values. Of a folder it reads the files that a runtime reads; - is stdin.
No file is changed, and root is not needed.

An "error" is a mistake in the file. A "warning" is something on this node that
is in the way of a right file: a subnet that another interface has, a plugin
that is not there. A "note" is something that may be meant so.
`,
  options: OPTIONS,
  examples: [
    ["validate /etc/cni/net.d", "all that the runtime reads on this node"],
    ["validate --no-node 10-pods.conflist", "a file for other nodes"],
  ],
  statuses: `0 without an error (warnings and notes may be there), 1 with one,
2 when a file could not be read, or the command line is wrong.
`,
  completes: "file",
  run({ options, words }, { readStdin, terminal }): Answer {
    if (words.length === 0) throw new Misuse("name a file or a folder, or - for stdin");
    const run = new Run(options, readStdin);
    for (const word of words) run.look(word);
    run.lookForPlugins();
    const { findings, errors } = run;
    const lines = findings.map((finding) => linesOf(finding, terminal)).join("");
    return {
      text: run.files === 0 && findings.length === 0 ? "" : `${lines}${summaryOf(run)}\n`,
      json: findings.map(jsonOf),
      errors,
      status: errors.length > 0 ? 2 : findings.some(({ severity }) => severity === "error") ? 1 : 0,
    };
  },
});

/** One run of the command: the files that it has looked at, and what it has found. */
class Run {
  readonly findings: Finding[] = [];
  /** The reasons why files could not be read. */
  readonly errors: CniError[] = [];
  files = 0;
  private readonly readStdin: () => string;
  private readonly looksAtNode: boolean;
  private readonly binDirs: readonly string[];
  private readonly confDir: string;

  constructor(options: Options<typeof OPTIONS>, readStdin: () => string) {
    this.readStdin = readStdin;
    this.looksAtNode = options["no-node"] !== true;
    this.binDirs = options["bin-dir"] ?? [EXECUTABLES];
    this.confDir = options["conf-dir"] ?? CONFIGURATIONS;
  }

  /** Looks at a file, at a folder, or at stdin. */
  look(word: string): void {
    try {
      if (word === "-") this.finish(new Content(word, this.readStdin()));
      else if (fileStatusOf(word)?.kind === "directory") this.lookAtFolder(word);
      else this.lookAtFile(word);
    } catch (error) {
      if (!(error instanceof CniError)) throw error;
      this.errors.push(error);
    }
  }

  /** Warns when no folder of plugins is there. */
  lookForPlugins(): void {
    if (!this.looksAtNode || this.files === 0 || foldersThere(this.binDirs).length > 0) return;
    this.findings.push({
      severity: "warning",
      file: this.binDirs.join(":"),
      path: "",
      message: "there is no such folder, so no runtime finds a plugin",
      hint: 'Make it with "pontoon install", or name the runtime\'s folder with --bin-dir',
    });
  }

  private lookAtFile(path: string): void {
    const slash = path.lastIndexOf("/");
    const folder = slash === -1 ? "." : path.slice(0, slash + 1);
    const name = path.slice(slash + 1);
    const content = this.read(path, name);
    if (this.looksAtNode && isSameFolder(folder, this.confDir)) this.compare(content, this.confDir, name);
    this.finish(content);
  }

  private lookAtFolder(folder: string): void {
    const { configurations, others } = attempt("ioFailure", `${folder} cannot be read`, () =>
      readConfigFolder(folder),
    );
    const about = { file: folder, path: "" } as const;
    if (configurations.length === 0)
      this.findings.push({ ...about, severity: "warning", message: "no network configuration is in it" });
    if (others.length > 0)
      this.findings.push({ ...about, severity: "note", message: `no runtime reads ${listed(others)} there` });
    const earlier: Named[] = [];
    for (const name of configurations) {
      const content = this.read(pathIn(folder, name), name);
      const { network } = content;
      const [first = name] = configurations;
      if (network !== undefined) {
        if (this.looksAtNode && first !== name)
          for (const remark of folderRemarks({ name, network }, first, earlier)) content.add(remark);
        earlier.push({ name, network });
      }
      this.finish(content);
    }
  }

  /** Compares a file with those in front of it in its folder. */
  private compare(content: Content, folder: string, name: string): void {
    const { configurations } = attempt("ioFailure", `${folder} cannot be read`, () =>
      readConfigFolder(folder),
    );
    const before = configurations.slice(0, Math.max(0, configurations.indexOf(name)));
    const [first] = before;
    if (first === undefined || content.network === undefined) return;
    const earlier = before.flatMap((each) => {
      const { network } = new Content(each, textOf(readConfigFile(pathIn(folder, each))));
      return network === undefined ? [] : [{ name: each, network }];
    });
    for (const remark of folderRemarks({ name, network: content.network }, first, earlier))
      content.add(remark);
  }

  private read(path: string, name: string): Content {
    const content = new Content(path, textOf(readConfigFile(path)));
    const { network } = content;
    if (network === undefined || isNameFor(name, network.isList)) return content;
    const kind = network.isList ? "network list" : "single configuration";
    content.add({
      severity: isNameFor(name, !network.isList) ? "error" : "note",
      path: "",
      message: `the name is none of a ${kind}: a runtime would not read it`,
      hint: `Give it a name that ends in ${endingsFor(network.isList).join(" or ")}`,
    });
    return content;
  }

  /** Adds what the node says, and keeps all that was found. */
  private finish(content: Content): void {
    const { network } = content;
    if (this.looksAtNode && network !== undefined)
      attempt("ioFailure", "the node cannot be looked at", () => {
        using node = Node.open();
        const folders = foldersThere(this.binDirs);
        if (folders.length > 0) for (const remark of programRemarks(network, folders)) content.add(remark);
        const entries = readEntries(network);
        for (const remark of interfaceRemarks(entries, node)) content.add(remark);
        for (const remark of fileRemarks(entries)) content.add(remark);
      });
    this.files++;
    this.findings.push(...content.findings);
  }
}

function fileStatusOf(path: string): ReturnType<typeof fileStatus> {
  return attempt("ioFailure", `${path} cannot be read`, () => fileStatus(path));
}

function isSameFolder(one: string, other: string): boolean {
  const identity = attempt("ioFailure", `${one} cannot be read`, () => fileIdentity(one));
  return identity !== undefined && identity === fileIdentity(other);
}

/** The most names that are listed. */
const MOST_NAMES = 5;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return more > 0 ? `${names.slice(0, MOST_NAMES).join(", ")} and ${more} more` : names.join(", ");
}

/** The last line: the number of files and of findings. */
function summaryOf({ files, findings }: Run): string {
  const count = (severity: Finding["severity"]): string[] => {
    const number = findings.filter((finding) => finding.severity === severity).length;
    return number === 0 ? [] : [counted(number, severity)];
  };
  const counts = [...count("error"), ...count("warning"), ...count("note")];
  return `${counted(files, "file")}: ${counts.length === 0 ? "nothing is wrong" : counts.join(", ")}`;
}
