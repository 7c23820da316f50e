// `pontoon version`: for people and scripts. Runtimes ask by CNI_COMMAND=VERSION.
import { programVersion } from "../cni/about.ts";
import { SUPPORTED_VERSIONS } from "../cni/version.ts";
import { refuseWords } from "./arguments.ts";
import { defineCommand } from "./command.ts";

export const version = defineCommand({
  name: "version",
  subject: "help",
  words: "",
  summary: "says which version this is; so does pontoon --version",
  page: `Prints the version of this program, and on a second line the versions of the
CNI protocol that it speaks.
`,
  options: {},
  examples: [["version", "the program's version, then those of CNI"]],
  run({ words }) {
    refuseWords(words);
    return {
      text: `pontoon ${programVersion()}\nCNI versions: ${SUPPORTED_VERSIONS.join(", ")}\n`,
    };
  },
});
