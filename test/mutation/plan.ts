import type { Mutation } from "./mutation.ts";

export const PLAN: Mutation[] = [
  {
    name: "CHECK looks for the masquerading that the configuration names now",
    file: "src/plan/check.ts",
    find: "record === undefined ? netconf.ipMasqBackend : (record.masqueradeBackend ?? \"nftables\")",
    replace: "netconf.ipMasqBackend",
    test: "test/unit/plan/check.test.ts",
    promise: "an attachment keeps the backend that it was made with",
  },
  {
    name: "a bridge says that MACs follow although host-local gave out addresses beside us",
    file: "src/plan/mac.ts",
    find: "if (givenByOthers === true) return false;",
    replace: "if (givenByOthers === true) continue;",
    test: "test/unit/plan/mac.test.ts",
    promise: "whether all MACs follow",
  },
];
