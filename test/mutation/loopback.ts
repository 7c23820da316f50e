// Small changes of src/loopback.
import type { Mutation } from "./mutation.ts";

export const LOOPBACK: readonly Mutation[] = [
  {
    name: "the plugin loopback takes any address on lo",
    file: "src/loopback/interface.ts",
    find: "if (foreign === undefined) return prefixes;",
    replace: "if (prefixes.length > 0) return prefixes;",
    test: "test/plugin/loopback.test.ts",
    promise: "an address that is not for a loopback is refused, and lo stays as it was",
  },
  {
    name: "the addresses of lo are those from before it was up",
    file: "src/loopback/interface.ts",
    find: "  return addressesOf(links, index);\n  });",
    replace: "  return found;\n  });",
    test: "test/plugin/loopback.test.ts",
    promise: "ADD raises the pod's lo, CHECK sees it, DEL takes it down",
  },
  {
    name: "a DEL of the plugin loopback takes down the node's own lo",
    file: "src/loopback/loopback.ts",
    find: "if (pod.isHost && !allowOwnNamespace) throw ownNamespace(pod.path);",
    replace: "",
    test: "test/plugin/loopback.test.ts",
    promise: "the node's own lo is left alone",
  },
  {
    name: "the plugin loopback does not pass on the result of plugins before it",
    file: "src/loopback/loopback.ts",
    find: "request.prevResult ?? loopbackResult(addresses, namespacePath)",
    replace: "loopbackResult(addresses, namespacePath)",
    test: "test/differential/loopback.test.ts",
    promise: "a plugin before it has a result",
  },
];
