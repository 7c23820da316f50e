// Small changes of src/trial.
import type { Mutation } from "./mutation.ts";

export const TRIAL: readonly Mutation[] = [
  {
    name: "a trial wants pods to reach each other that are to be kept apart",
    file: "src/trial/measure.ts",
    find: "    if (areApart(one)) {",
    replace: "    if (areApart(one) && one.mtu === 0) {",
    test: "test/plugin/try.test.ts",
    promise: "pods that are to be kept apart are seen to be",
  },
  {
    name: "Ctrl-C kills a trial",
    file: "src/trial/trial.ts",
    find: "  holdInterrupts();\n",
    replace: "",
    test: "test/plugin/try.test.ts",
    promise: "Ctrl-C on a terminal ends a trial, and nothing is left",
  },
  {
    name: "a trial waits for a plugin that hangs",
    file: "src/tool/execution.ts",
    find: "if (!holdsInterrupts()) return",
    replace: "if (list.length > 0) return",
    test: "test/plugin/try.test.ts",
    promise: "Ctrl-C does not wait for a plugin that hangs: it is ended with its children, and the pods go",
  },
  {
    name: "a trial's DEL ends at the first plugin that fails",
    file: "src/runtime/chain.ts",
    find: "  const errors = collectErrors(delsOf(chain, asked));",
    replace: "  const errors = collectErrors([() => delsOf(chain, asked).forEach((del) => del())]);",
    test: "test/plugin/try.test.ts",
    promise: "Ctrl-C does not wait for a plugin that hangs: it is ended with its children, and the pods go",
  },
  {
    name: "a trial leaves what a killed one has left",
    file: "src/trial/trial.ts",
    find: "const remains = removeRemains({ node, folders: chain.folders });",
    replace: "const remains: CniError[] = [];",
    test: "test/plugin/try.test.ts",
    promise: "what a killed trial has left goes at the next one",
  },
];
