// Small changes of src/tool.
import type { Mutation } from "./mutation.ts";

export const TOOL: readonly Mutation[] = [
  {
    name: "a program is taken from the working directory",
    file: "src/tool/path.ts",
    find: '.filter((folder) => folder.startsWith("/"))',
    replace: "",
    test: "test/unit/tool/plugin.test.ts",
    promise: "a program is looked for in the absolute folders of PATH",
  },
  {
    name: "a plugin that is being written is not tried again",
    file: "src/tool/program.ts",
    find: 'ending.refusal === "ETXTBSY" && waited < BUSY_MS',
    replace: 'ending.refusal === "ETXTBSY" && waited < 0',
    test: "test/unit/tool/program.test.ts",
    promise: "a file that somebody is still writing is tried again until it is complete",
  },
];
