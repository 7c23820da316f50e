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
    find: "  writeText(temporary, text, O_WRONLY | O_CREAT | O_TRUNC);\n  renameFile(temporary, path);",
    replace: "  writeText(path, text, O_WRONLY | O_CREAT | O_TRUNC);",
    test: "test/unit/sys/file.test.ts",
    promise: "a replaced file has the new content, and whoever had it open reads the old one to its end",
  },
  {
    name: "an installed file has its name before it is on the disk",
    file: "src/sys/durable-file.ts",
    find: "  check(native.fsync(file.fd), `write ${temporary} to the disk`);\n",
    replace: "",
    test: "test/runtime/install.test.ts",
    promise: "each file is on the disk before it has its name",
  },
  {
    name: "an installed file has the bits that the umask leaves",
    file: "src/sys/durable-file.ts",
    find: "  check(native.fchmod(file.fd, mode), `set the permissions of ${temporary}`);\n",
    replace: "",
    test: "test/runtime/install.test.ts",
    promise: "whatever the umask of the person is",
  },
  {
    name: "a file is renamed into its place while it is open for writing",
    file: "src/sys/durable-file.ts",
    find: "  using file = openFile(temporary",
    replace: "  const file = openFile(temporary",
    test: "test/runtime/install.test.ts",
    promise: "a runtime that calls the plugin all the time",
  },
  {
    name: "a write that failed leaves its temporary file",
    file: "src/sys/durable-file.ts",
    find: "    removeFile(temporary);\n",
    replace: "",
    test: "test/runtime/install.test.ts",
    promise: "a full disk: the old file stays",
  },
];
