// Small changes of src/teardown.
import type { Mutation } from "./mutation.ts";

const STRAYS = {
  file: "src/teardown/leftover.ts",
  test: "test/plugin/clean.test.ts",
  promise: "attachments of an earlier boot, leases of nobody and entries of the cache go",
};

export const TEARDOWN: readonly Mutation[] = [
  {
    name: "rm takes a pod of which it cannot see whether it is in use",
    file: "src/command/rm.ts",
    find: "  if (hidden !== undefined)",
    replace: "  if (hidden === undefined && users.length > 0)",
    test: "test/plugin/clean.test.ts",
    promise: "rm refuses a pod when some processes may not be seen, unless its namespace is gone",
  },
  {
    ...STRAYS,
    name: "clean frees addresses that a namespace has",
    find: "!addresses.some((address) => used.has(formatAddress(address)))",
    replace: "addresses.length > used.size - used.size",
  },
  {
    ...STRAYS,
    name: "clean takes entries of the cache that belong to other plugins",
    find: "isOurs(cached) && isGone",
    replace: "isGone",
  },
  {
    name: "a plugin that is missing keeps Pontoon's part of an attachment",
    file: "src/teardown/take-down.ts",
    find: "if (left === undefined) return errors;",
    replace: "if (left === undefined || errors.length > 0) return errors;",
    test: "test/plugin/clean.test.ts",
    promise: "the other plugins of the chain get their DEL",
  },
  {
    name: "processes that may not be seen run in no pod",
    file: "src/teardown/idle.ts",
    find: "if (hidden > 0 && candidates.length > 0) throw blind(hidden);",
    replace: "if (hidden < 0 && candidates.length > 0) throw blind(hidden);",
    test: "test/plugin/clean.test.ts",
    promise: "with --idle pods go in whose namespace no process runs, and none where some may not be seen",
  },
];
