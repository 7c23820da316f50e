// `pontoon version`: for people and scripts. Runtimes ask by CNI_COMMAND=VERSION.
import { programVersion } from "../cni/about.ts";
import { SUPPORTED_VERSIONS } from "../cni/version.ts";
import { readArguments, refuseWords } from "./arguments.ts";
import type { Command } from "./command.ts";

export const version: Command = {
  name: "version",
  usage: "",
  summary: "says which version this is; so does pontoon --version",
  page: `Prints the version of this program, and on a second line the versions of the
CNI protocol that it speaks.
`,
  run(args) {
    refuseWords(readArguments(args, {}).words);
    return {
      text: `pontoon ${programVersion()}\nCNI versions: ${SUPPORTED_VERSIONS.join(", ")}\n`,
    };
  },
};
