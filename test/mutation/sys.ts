// Small changes of src/sys.
import type { Mutation } from "./mutation.ts";

export const SYS: readonly Mutation[] = [
  {
    name: "two hold one lock",
    file: "src/sys/flock.ts",
    find: "const LOCK_EX = 2;",
    replace: "const LOCK_EX = 1;",
    test: "test/unit/sys/flock.test.ts",
    promise: "a lock is held until its handle is closed",
  },
  {
    name: "a file is replaced in place, so a reader sees a part of it",
    file: "src/sys/file.ts",
    find: "  writeText(temporary, text, O_WRONLY | O_CREAT | O_TRUNC, mode);\n  renameFile(temporary, path);",
    replace: "  writeText(path, text, O_WRONLY | O_CREAT | O_TRUNC, mode);",
    test: "test/unit/sys/file.test.ts",
    promise: "a replaced file has the new content, and whoever had it open reads the old one to its end",
  },
];
