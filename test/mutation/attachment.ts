// Small changes of src/attachment.
import type { Mutation } from "./mutation.ts";

export const ATTACHMENT: readonly Mutation[] = [
  {
    name: "a quote of an interface name ends the comment of an element",
    file: "src/attachment/name.ts",
    find: String.raw`.replace(/[^ -~]|["\\]/gu, "?")`,
    replace: "",
    test: "test/plugin/quoted-name.test.ts",
    promise: "are read again by nft",
  },
  {
    name: "a record with a way of attaching that is not known is thrown away",
    file: "src/attachment/link-text.ts",
    find: 'throw isKind(value["kind"])',
    replace: "throw false",
    test: "test/plugin/record-version.test.ts",
    promise: "a way of attaching that is not known is refused by name",
  },
  {
    name: "an alias that was cut in its last word tells an attachment",
    file: "src/attachment/device.ts",
    find: "byteLength(alias) < ALIAS_BYTES &&",
    replace: "",
    test: "test/unit/attachment/device.test.ts",
    promise: "was cut within the last word",
  },
  {
    name: "a record of a later version is read as if it were known",
    file: "src/attachment/text.ts",
    find: "version !== 1 && version !== VERSION",
    replace: "version < 1",
    test: "test/plugin/record-version.test.ts",
    promise: "a record of a version that is not known is refused by name",
  },
  {
    name: "a record of version 1 forgets who masqueraded",
    file: "src/attachment/version-1.ts",
    find: 'masqueradeBackend: backend = "nftables"',
    replace: 'masqueradeBackend: _, backend = "nftables"',
    test: "test/plugin/record-version.test.ts",
    promise: "iptables: pontoon restore puts back all of its rules",
  },
  {
    name: "pods of one network with two policies are in one group",
    file: "src/attachment/name.ts",
    find: "sha256(`${network}\\0${policy}`)",
    replace: "sha256(network)",
    test: "test/plugin/ptp-ingress.test.ts",
    promise: "pods that were added before a policy changed are apart from those that came after",
  },
];
