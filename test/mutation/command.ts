// Small changes of src/command.
import type { Mutation } from "./mutation.ts";

export const COMMAND: readonly Mutation[] = [
  {
    name: "a failed command ends with status 0",
    file: "src/command/run.ts",
    find: "status: errors.length === 0 ? 0 : 1",
    replace: "status: 0",
    test: "test/plugin/restore.test.ts",
    promise: "what it cannot do it says in plain words on stderr",
  },
  {
    name: "letters that changed places count as two mistakes",
    file: "src/command/similar.ts",
    find: "isSwapped ? beforeLast[column - 2]! + 1 : Infinity",
    replace: "isSwapped ? beforeLast[column - 2]! + 2 : Infinity",
    test: "test/plugin/command.test.ts",
    promise: "hlep",
  },
  {
    name: "a word behind -- is an option",
    file: "src/command/run.ts",
    find: "(end === -1 ? args : args.slice(0, end))",
    replace: "args",
    test: "test/plugin/command.test.ts",
    promise: '["restore","--","--help"]',
  },
];
