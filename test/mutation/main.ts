// Small changes of src/main.ts.
import type { Mutation } from "./mutation.ts";

export const MAIN: readonly Mutation[] = [
  {
    name: "a failed restore ends with status 0",
    file: "src/main.ts",
    find: "return errors.length === 0 ? 0 : 1;",
    replace: "return 0;",
    test: "test/plugin/restore.test.ts",
    promise: "what it cannot do it says in plain words on stderr",
  },
  {
    name: "an ADD fails when nobody takes its notices",
    file: "src/main.ts",
    find: "  } catch {\n    // The answer is on its way all the same.\n  }",
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
