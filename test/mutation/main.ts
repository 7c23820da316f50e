// Small changes of src/main.ts.
import type { Mutation } from "./mutation.ts";

export const MAIN: readonly Mutation[] = [
  {
    name: "CNI_COMMAND makes a call of a runtime of what a person typed",
    file: "src/main.ts",
    find: "if (args.length > 0) return forPerson(args);",
    replace: 'if (args.length > 0 && native.getenv("CNI_COMMAND") === undefined) return forPerson(args);',
    test: "test/plugin/command.test.ts",
    promise: "with an argument a person asks, also where CNI_COMMAND and all else of a DEL is there",
  },
  {
    name: "a command whose text nobody took ends with status 0",
    file: "src/main.ts",
    find: "return unsaid === undefined ? status : undefined;",
    replace: "return status;",
    test: "test/plugin/command.test.ts",
    promise: "what cannot be printed is an error",
  },
  {
    name: "an ADD fails when nobody takes its notices",
    file: "src/main.ts",
    find: "  } catch {\n    // The answer follows on stdout, whatever becomes of stderr.\n  }",
    replace: "  } finally {\n  }",
    test: "test/plugin/stdout.test.ts",
    promise: "an ADD whose notices nobody takes says its result all the same",
  },
  {
    name: "a result that could not be printed is not taken back",
    file: "src/main.ts",
    find: "notUndone: undo(),",
    replace: "notUndone: [],",
    test: "test/plugin/refused-late.test.ts",
    promise: "a result that cannot be written is a failed ADD",
  },
];
