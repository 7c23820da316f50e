// `pontoon install`: the executable, and a network configuration, where a container runtime looks for them.

import { asCniError } from "../failure/failure.ts";
import { CONFIGURATIONS, EXECUTABLES } from "../survey/folder.ts";
import { baseName } from "../sys/path.ts";
import { type Options, refuseWords } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { EXAMPLE } from "./install/example.ts";
import { prepare, putInPlace, type Said, type Wish } from "./install/step.ts";
import { Misuse } from "./misuse.ts";

const OPTIONS = {
  "bin-dir": {
    value: "DIR",
    meaning: 'where the executable goes, as "pontoon"  (/opt/cni/bin)',
  },
  conf: { value: "FILE", meaning: "the network configuration; without it none is installed" },
  "conf-dir": { value: "DIR", meaning: "where network configurations are  (/etc/cni/net.d)" },
  name: { value: "NAME", meaning: "the configuration's name there  (that of FILE)" },
  force: { meaning: "replace a configuration of that name that differs" },
} as const;

export const install = defineCommand({
  name: "install",
  subject: "set",
  words: "",
  summary: "puts Pontoon, and a network, where runtimes look",
  page: `Copies this executable to where a container runtime looks for plugins and, with
--conf, a network configuration to where it looks for networks. Needs root.
`,
  options: OPTIONS,
  examples: [["install --conf 10-pontoon.conflist", "the executable and a network"]],
  more: `Beside the executable goes a link, "loopback", where nothing has that name:
containerd and CRI-O start a plugin of that name for every pod. A file of
others stays, and serves as well.

An upgrade is the same command, at any time and beside running pods: at every
moment there is the old file or the new one, whole. Where pods are attached,
packet rules that they have lost come back, as by "pontoon restore". Run twice
it changes nothing.

A configuration is read as an ADD reads it, and a wrong one is refused before
anything is written. A runtime takes the first file of DIR by name, and this
command says which that is.

In a container of the image it refuses a folder that is not mounted from the
node.

A network configuration, for example 10-pontoon.conflist:

${EXAMPLE.trimEnd().replaceAll(/^/gm, "    ")}
`,
  run({ options, words }) {
    refuseWords(words);
    const wish = wishOf(options);
    const configuration = prepare(wish);
    const said: Said = { lines: [], notes: [], errors: [] };
    try {
      putInPlace(wish, configuration, said);
    } catch (error) {
      said.errors.push(asCniError(error));
    }
    return { text: said.lines.map((line) => `${line}\n`).join(""), notes: said.notes, errors: said.errors };
  },
});

function wishOf(options: Options<typeof OPTIONS>): Wish {
  const { conf: file } = options;
  for (const name of ["name", "force"] as const)
    if (options[name] !== undefined && file === undefined)
      throw new Misuse(`--${name} is about the configuration that --conf names`);
  const name = options.name ?? (file && baseName(file));
  if (name?.includes("/")) throw new Misuse("--name is a name without a folder; --conf-dir names the folder");
  return {
    binDir: withoutSlashes(options["bin-dir"] ?? EXECUTABLES),
    confDir: withoutSlashes(options["conf-dir"] ?? CONFIGURATIONS),
    conf: file === undefined || name === undefined ? undefined : { file, name },
    force: options.force === true,
  };
}

function withoutSlashes(folder: string): string {
  return folder.replace(/(?<=[^/])\/+$/, "");
}
