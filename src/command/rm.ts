// `pontoon rm`: takes down attachments that a person names.
import { selectAttachments } from "../attachment/selection.ts";
import { CniError } from "../cni/error.ts";
import { quote } from "../cni/problems.ts";
import { Node } from "../host/node.ts";
import { allRecorded, findUnrecorded, type Leftover, reasonOf } from "../teardown/leftover.ts";
import { useOf } from "../teardown/use.ts";
import { shown } from "../terminal/terminal.ts";
import { JSON_OPTION } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { pluginFolders } from "./folders.ts";
import { describe } from "./leftover/description.ts";
import { takeAllDown } from "./leftover/take-all.ts";
import { Misuse } from "./misuse.ts";
import { needRoot } from "./text.ts";

export const rm = defineCommand({
  name: "rm",
  subject: "mend",
  words: "POD|ID|PORT|ADDRESS...",
  summary: "takes down an attachment that a runtime forgot",
  page: `Takes down the attachments of a pod: by its name (default/web), its container id
or the beginning of it, one of its host ports (8080, 8080/udp) or addresses. It
does what a DEL of the runtime does. The attachments are shown first, and it
asks. Needs root.

Without a record of the attachment its traces are found by the container id. An
attachment is refused whose namespace has processes, or may have some that
cannot be seen: let the runtime stop the pod. "pontoon clean" finds all by
itself that nobody uses.
`,
  options: {
    force: { letter: "f", meaning: "also takes down what processes use" },
    yes: { letter: "y", meaning: "does not ask" },
    "bin-dir": { value: "DIR", isRepeated: true, meaning: "where plugins are  ($CNI_PATH, /opt/cni/bin)" },
    ...JSON_OPTION,
  },
  examples: [
    ["rm 8080", "the pod that holds port 8080"],
    ["rm default/web-0", "a pod of Kubernetes, by its name"],
  ],
  run({ options, words }, person) {
    if (words.length === 0) throw new Misuse("name a pod, a container id, a host port or an address");
    needRoot("take attachments down", "rm");
    using node = Node.open();
    const find = (): Leftover[] => {
      const leftovers = distinct(words.flatMap((word) => namedBy(word, node)));
      if (options.force !== true) for (const leftover of leftovers) refuseUsed(leftover, node);
      return leftovers;
    };
    const means = { node, folders: pluginFolders(options["bin-dir"]) };
    return takeAllDown({ yes: options.yes === true, person, means, find });
  },
});

/** The attachments of the one container that a word names. Throws CniError for none, and for several. */
function namedBy(word: string, node: Node): Leftover[] {
  const recorded = selectAttachments(allRecorded(node), word).map(
    (attachment): Leftover => ({
      kind: "attachment",
      attachment,
      reason: reasonOf(attachment, node) ?? "it may be in use",
    }),
  );
  const found = recorded.length > 0 ? recorded : findUnrecorded(word, node);
  const described = found.map(describe);
  const containers = new Set(described.map(({ containerId }) => containerId));
  if (containers.size === 1) return found;
  throw new CniError(
    "ioFailure",
    containers.size === 0
      ? {
          message: `${quote(word)} names no attachment`,
          hint: 'Give a pod, a container id, a host port or an address; "pontoon clean --dry-run" lists what is left over',
        }
      : {
          message: `${quote(word)} names ${containers.size} containers: ${shown([...containers].join(", "))}`,
          hint: "Give one of these container ids",
        },
  );
}

/** Each attachment once: two words may name the same one. */
function distinct(leftovers: readonly Leftover[]): Leftover[] {
  const byTitle = new Map(
    leftovers.map((each) => {
      const { network, containerId, interface: name } = describe(each);
      return [`${network} ${containerId} ${name}`, each];
    }),
  );
  return [...byTitle.values()];
}

/** Throws CniError when processes use it, and when that cannot be told. */
function refuseUsed(leftover: Leftover, node: Node): void {
  const { users, hidden } = useOf(leftover, node);
  const title = shown(describe(leftover).title);
  const names = users.map(({ pid, name }) => `${shown(name)} (${pid})`).join(", ");
  if (names !== "")
    throw new CniError("ioFailure", {
      message: `${title} is in use by ${names}`,
      hint: "Let the runtime stop the pod, or give --force",
    });
  if (hidden !== undefined)
    throw new CniError("ioFailure", {
      message: `${title} may be in use`,
      cause: `its namespace is there, and ${hidden}, so nobody can tell whether one runs in it`,
      hint: "Run it as root with the capability CAP_SYS_PTRACE, or give --force",
    });
}
