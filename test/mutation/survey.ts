// Small changes of src/survey and src/terminal.
import type { Mutation } from "./mutation.ts";

const LS = "test/plugin/ls.test.ts";

export const SURVEY: readonly Mutation[] = [
  {
    name: "ls passes over a port that is isolated unasked",
    file: "src/survey/drift.ts",
    find: "port.isolated !== isolated",
    replace: "port.isolated && isolated",
    test: LS,
    promise: "drift is seen and told",
  },
  {
    name: "a lease without a record is hidden",
    file: "src/survey/lease.ts",
    find: "if (address !== undefined && owner !== undefined)",
    replace: "if (address !== undefined && owner === undefined)",
    test: LS,
    promise: "a lease or interface without a record is a stray",
  },
  {
    name: "a pair leads to no namespace that has a process alone",
    file: "src/survey/pair.ts",
    find: "  addProcesses(namespaces);\n",
    replace: "",
    test: LS,
    promise: "which end is in which namespace",
  },
  {
    name: "rules that a whole network has lost are not looked for",
    file: "src/survey/lost.ts",
    find: "isSharedLost?.(step, node) === true",
    replace: "isSharedLost?.(step, node) === undefined",
    test: LS,
    promise: "drift is seen and told",
  },
  {
    name: "a name of others is printed as it is",
    file: "src/terminal/terminal.ts",
    find: 'text.replace(/[^ -~]/gu, "?")',
    replace: "text",
    test: LS,
    promise: "prints no name raw",
  },
  {
    name: "a table is as wide as it likes",
    file: "src/terminal/table.ts",
    find: "over > 0; over--",
    replace: "over > 1000; over--",
    test: "test/unit/terminal/table.test.ts",
    promise: "where the terminal is narrow",
  },
  {
    name: "names that are the same but for zeros are one",
    file: "src/survey/order.ts",
    find: "byPlace.set(`${place}\\0${byPlace.size}`, each);",
    replace: "byPlace.set(place, each);",
    test: "test/unit/survey/order.test.ts",
    promise: "all are shown, also those whose names are the same but for zeros",
  },
];
