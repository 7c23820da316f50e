// Small changes of src/runtime.
import type { Mutation } from "./mutation.ts";

const CHAIN = {
  file: "src/runtime/chain.ts",
  test: "test/plugin/cni-command.test.ts",
  promise: "the whole chain is called",
};

export const RUNTIME: readonly Mutation[] = [
  { ...CHAIN, name: "DEL calls the plugins in the order of an ADD", find: ".toReversed()", replace: "" },
  {
    ...CHAIN,
    name: "arguments go to plugins that declare nothing",
    find: "declared[capability] === true",
    replace: "declared[capability] !== false",
  },
  {
    ...CHAIN,
    name: "an add forgets its arguments",
    find: "namespacePath, args, capabilities, result: whole",
    replace: "namespacePath, args, capabilities: {}, result: whole",
  },
  {
    name: "a list takes the oldest of its versions",
    file: "src/runtime/network-list.ts",
    find: ".sort(compareVersions).at(-1)",
    replace: ".sort(compareVersions).at(0)",
    test: "test/unit/runtime/network-list.test.ts",
    promise: "the version of the calls is",
  },
];
