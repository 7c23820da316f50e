// `pontoon migrate`: for the operator who has a chain of the reference plugins and wants one entry.
import { textOf } from "../sys/bytes.ts";
import { defineCommand } from "./command.ts";
import * as list from "./migrate/list.ts";
import { Misuse } from "./misuse.ts";
import { inFile, readConfigFile } from "./network/file.ts";

export const migrate = defineCommand({
  name: "migrate",
  subject: "set",
  words: "FILE",
  summary: "makes one entry of a chain of the reference plugins",
  page: `Reads a network configuration of the reference plugins (bridge, ptp or
host-device, and the plugins behind it) and prints it with one entry for
Pontoon in their place. FILE is a list (.conflist) or a single configuration
(.conf); - is stdin. No file is changed. stderr has a line for each thing that
is done differently. An entry of loopback stays.
`,
  options: {},
  examples: [["migrate 10-old.conflist > 10-pontoon.conflist", "the list with Pontoon in it"]],
  more: `What Pontoon would refuse is not printed, and stderr says why. docs/migrate.md
of the sources tells what becomes of each plugin.
`,
  completes: "file",
  run({ words }, { readStdin }) {
    const [file, ...more] = words;
    if (file === undefined || more.length > 0) throw new Misuse("name one file, or - for stdin");
    if (file === "-") return list.migrate(readStdin());
    const text = textOf(readConfigFile(file));
    return inFile(file, () => list.migrate(text));
  },
});
