// Small changes of src/record.
import type { Mutation } from "./mutation.ts";

export const RECORD: readonly Mutation[] = [
  {
    name: "an ADD that was told to stop and died has no record any more",
    file: "src/record/record-file.ts",
    find: "const ENDINGS = [COMPLETE, INTENT, STOPPED];",
    replace: "const ENDINGS = [COMPLETE, INTENT];",
    test: "test/unit/record/store.test.ts",
    promise: "one that was killed after it was told to stop leaves its record",
  },
  {
    name: "GC takes the marks of restore from attachments that live",
    file: "src/record/store.ts",
    find: "if (digest !== undefined && !ENDINGS.some(",
    replace: "if (digest !== undefined || !ENDINGS.some(",
    test: "test/unit/record/store.test.ts",
    promise: "the mark of a restore stays for as long as the record",
  },
  {
    name: "the record of another attachment under this one's name is believed",
    file: "src/record/store.ts",
    find: 'if (parsed?.state === "record" && attachmentDigest(parsed.attachment.key) === digest) return parsed.attachment;',
    replace: 'if (parsed?.state === "record") return parsed.attachment;',
    test: "test/unit/record/store.test.ts",
    promise: "a record under another's name is damaged",
  },
  {
    name: "a record with a broken end of a row of ports is believed",
    file: "src/attachment/field.ts",
    find: 'isWithin(value["hostPortEnd"], 1, LARGEST_PORT) &&',
    replace: "",
    test: "test/unit/attachment/field.test.ts",
    promise: "is no list of host ports",
  },
  {
    name: "two attachments whose names run together have one digest",
    file: "src/attachment/name.ts",
    find: "`${key.network}\\0${key.containerId}\\0${key.interfaceName}`",
    replace: "`${key.network}${key.containerId}${key.interfaceName}`",
    test: "test/unit/attachment/name.test.ts",
    promise: "and no two keys run together",
  },
  {
    name: "an ADD whose intent was replaced completes that of the next one",
    file: "src/record/intent.ts",
    find: "return this.isWanted() && renameIfThere(",
    replace: "return renameIfThere(",
    test: "test/unit/record/store.test.ts",
    promise: "an ADD whose intent was replaced neither completes nor abandons",
  },
  {
    name: "a mark is written through a link",
    file: "src/record/mark.ts",
    find: "O_WRONLY | O_CREAT | O_NOFOLLOW",
    replace: "O_WRONLY | O_CREAT",
    test: "test/unit/record/store.test.ts",
    promise: "no mark is written through a link",
  },
  {
    name: "the sweep after a reboot leaves the mark of shared ports",
    file: "src/record/store.ts",
    find: "    removeMark(base, SHARED);\n    return wasThere;",
    replace: "    return wasThere;",
    test: "test/unit/ipam/recovery.test.ts",
    promise: "after a reboot the first ADD frees what died with it",
  },
];
