// `pontoon clean`: takes down what nobody will take down any more.
import { Node } from "../host/node.ts";
import { findLeftovers } from "../teardown/leftover.ts";
import { JSON_OPTION, refuseWords } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { pluginFolders } from "./folders.ts";
import { takeAllDown } from "./leftover/take-all.ts";
import { needRoot } from "./text.ts";

export const clean = defineCommand({
  name: "clean",
  subject: "mend",
  words: "",
  summary: "takes down what killed runtimes have left over",
  page: `Finds what nobody will take down any more, shows it, asks, and takes it down:
attachments whose namespace is gone, whose ADD was killed, or of an earlier
boot, with their links, rules, host ports and addresses; leases of nobody; and
entries of the runtimes' result cache for attachments that are gone. Needs root.

podman never asks for this by itself: the host port of a "podman run" that was
killed is held until this command frees it. What is in use stays.

The namespace of a killed podman may still be there, with no process in it:
--idle takes such a pod down too, a minute after its ADD. Not for namespaces
made with "ip netns", which have no processes, nor in a container that does not
see the processes of the node.
`,
  options: {
    "dry-run": { meaning: "only shows what would go" },
    idle: { meaning: "also takes pods in whose namespace no process runs" },
    yes: { letter: "y", meaning: "does not ask" },
    "bin-dir": { value: "DIR", isRepeated: true, meaning: "where plugins are  ($CNI_PATH, /opt/cni/bin)" },
    ...JSON_OPTION,
  },
  examples: [
    ["clean --dry-run", "what is left over?"],
    ["clean --yes", "in a timer, or where nobody can be asked"],
    ["clean --yes --idle", "in a timer of a node with podman"],
  ],
  run({ options, words }, person) {
    refuseWords(words);
    needRoot("take attachments down", "clean");
    using node = Node.open();
    const means = { node, folders: pluginFolders(options["bin-dir"]) };
    const idle = options.idle === true;
    const agreement = { yes: options.yes === true, dryRun: options["dry-run"] === true };
    return takeAllDown({ ...agreement, person, means, find: () => findLeftovers(node, { idle }) });
  },
});
