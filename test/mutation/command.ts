// Small changes of src/command.
import type { Mutation } from "./mutation.ts";

export const COMMAND: readonly Mutation[] = [
  {
    name: "a failed command ends with status 0",
    file: "src/command/run.ts",
    find: "status: errors.length === 0 ? 0 : 1",
    replace: "status: 0",
    test: "test/plugin/restore.test.ts",
    promise: "what it cannot do it says in plain words on stderr",
  },
  {
    name: "letters that changed places count as two mistakes",
    file: "src/cni/similar.ts",
    find: "isSwapped ? beforeLast[column - 2]! + 1 : Infinity",
    replace: "isSwapped ? beforeLast[column - 2]! + 2 : Infinity",
    test: "test/plugin/command.test.ts",
    promise: "hlep",
  },
  {
    name: "a word behind -- is an option",
    file: "src/command/run.ts",
    find: "(end === -1 ? args : args.slice(0, end))",
    replace: "args",
    test: "test/plugin/command.test.ts",
    promise: '["restore","--","--help"]',
  },
  {
    name: "a configuration is installed before it is read",
    file: "src/command/install/step.ts",
    find: "  return readConfiguration(conf.file, conf.name);",
    replace:
      "  putExecutable({ binDir, confDir, conf, force: false }, { lines: [], notes: [], errors: [] });\n  return readConfiguration(conf.file, conf.name);",
    test: "test/plugin/install.test.ts",
    promise: "is refused with its place and a hint, and nothing is changed",
  },
  {
    name: "an install does not wait for another one in the folder",
    file: "src/command/install/place.ts",
    find: "  lock(handle, folder);\n",
    replace: "",
    test: "test/runtime/install.test.ts",
    promise: "an install that stands still is waited for",
  },
  {
    name: "what a killed install left stays where the file is there already",
    file: "src/command/install/place.ts",
    find: "  removeFile(temporary);\n",
    replace: "",
    test: "test/runtime/install.test.ts",
    promise: "a killed install whose files are there already is tidied up too",
  },
  {
    name: "the runtime takes the file that the folder lists first",
    file: "src/command/install/order.ts",
    find: "    .sort()\n",
    replace: "",
    test: "test/plugin/install.test.ts",
    promise: "it says which configuration the runtime takes",
  },
  {
    name: "a folder of a container's own is good enough in the image",
    file: "src/command/install/image.ts",
    find: "isInImage() && mountOf(folder)",
    replace: "!isInImage() && mountOf(folder)",
    test: "test/plugin/install.test.ts",
    promise: "in the image: a folder that is not mounted",
  },
  {
    name: "an upgrade leaves lost rules alone",
    file: "src/command/install/step.ts",
    find: "if (!hasAttachments()) return;",
    replace: "if (hasAttachments()) return;",
    test: "test/plugin/install.test.ts",
    promise: "pods that are attached get back what they have lost",
  },
];
