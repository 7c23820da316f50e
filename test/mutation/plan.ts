// Small changes of src/plan.
import type { Mutation } from "./mutation.ts";

export const PLAN: readonly Mutation[] = [
  {
    name: "CHECK looks for the masquerading that the configuration names now",
    file: "src/plan/check.ts",
    find: 'record === undefined ? netconf.ipMasqBackend : (record.masqueradeBackend ?? "nftables")',
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
  {
    name: "the table of the interface has no route to its own subnet",
    file: "src/plan/source-routing.ts",
    find: "[...pod.addresses.flatMap(connected), ...own.filter",
    replace: "[...own.filter",
    test: "test/plugin/source-routing.test.ts",
    promise: "packets from either attachment leave by it",
  },
  {
    name: "the least burst has no room for a VLAN's tag",
    file: "src/plan/bandwidth.ts",
    find: "const FRAME_HEADER = 18;",
    replace: "const FRAME_HEADER = 14;",
    test: "test/unit/plan/bandwidth.test.ts",
    promise: "a given burst is taken up to a second of the rate, and is never less than a packet",
  },
  {
    name: "burst of more than a second of the rate taken as it is",
    file: "src/plan/bandwidth.ts",
    find: "  if (given > rate) burst = usual;\n  else if (given > 0",
    replace: "  if (given > 0",
    test: "test/unit/plan/bandwidth.test.ts",
    promise: "a given burst is taken up to a second of the rate, and is never less than a packet",
  },
];
