// Small changes of src/sys.
import type { Mutation } from "./mutation.ts";

export const SYS: readonly Mutation[] = [
  {
    name: "a call that cannot leave the pod's namespace goes on in there",
    file: "src/sys/netns.ts",
    find: "if (returned < 0) native.abort(noWayBack(-returned));",
    replace: "if (returned < -1_000_000) native.abort(noWayBack(-returned));",
    test: "test/plugin/no-way-back.test.ts",
    promise: "ADD: a call that cannot leave the pod's namespace says so and ends at once",
  },
  {
    name: "each lock is waited for as long as if the call had waited for no other",
    file: "src/sys/flock.ts",
    find: "  patience = Math.max(0, patience - time);\n",
    replace: "",
    test: "test/plugin/lock.test.ts",
    promise: "wait 10 s in all and not for each",
  },
  {
    name: "a link in the place of a lock is followed",
    file: "src/sys/flock.ts",
    find: "O_RDWR | O_CREAT | O_NOFOLLOW",
    replace: "O_RDWR | O_CREAT",
    test: "test/unit/ipam/recovery.test.ts",
    promise: "a link in the place of the lock is refused",
  },
  {
    name: "two hold one lock",
    file: "src/sys/flock.ts",
    find: "const LOCK_EX = 2;",
    replace: "const LOCK_EX = 1;",
    test: "test/unit/sys/flock.test.ts",
    promise: "a lock is held until its handle is closed",
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
