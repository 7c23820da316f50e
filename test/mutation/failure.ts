// Small changes of src/failure.
import type { Mutation } from "./mutation.ts";

export const FAILURE: readonly Mutation[] = [
  {
    name: "a failed ADD takes back what it did first before what it did last",
    file: "src/failure/rollback.ts",
    find: "for (let part = this.parts.pop(); part !== undefined; part = this.parts.pop())",
    replace: "for (let part = this.parts.shift(); part !== undefined; part = this.parts.shift())",
    test: "test/unit/failure/rollback.test.ts",
    promise: "the latest goes first",
  },
];
