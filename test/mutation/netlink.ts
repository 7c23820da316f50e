// Small changes of src/netlink.
import type { Mutation } from "./mutation.ts";

export const NETLINK: readonly Mutation[] = [
  {
    name: "a refusal of an earlier request is taken for one of the next",
    file: "src/netlink/socket.ts",
    find: "reply.sequence === frame)",
    replace: "index === -1)",
    test: "test/kernel/socket.test.ts",
    promise: "a refusal that nobody waits for any more is no answer to the next request",
  },
  {
    name: "requests go in sends whose refusals do not fit into the socket",
    file: "src/netlink/socket.ts",
    find: "const MOST_AT_ONCE = 200;",
    replace: "const MOST_AT_ONCE = 20_000;",
    test: "test/kernel/socket.test.ts",
    promise: "a thousand requests that are all refused are all answered",
  },
  {
    name: "messages behind one that nfnetlink refuses are waited for",
    file: "src/netlink/socket.ts",
    find: 'this.protocol === nl.NETLINK_NETFILTER && errno === errnoOf("EPERM")',
    replace: "this.protocol < 0 && errno !== 0",
    test: "test/unit/netlink/socket.test.ts",
    promise: "nfnetlink refuses a send without the capability by one answer",
  },
  {
    name: "of several refusals of a request the last one counts",
    file: "src/netlink/outcome.ts",
    find: "this.refusal ??= reply;",
    replace: "this.refusal = reply;",
    test: "test/unit/netlink/socket.test.ts",
    promise: "of two refusals of one request the first one tells why",
  },
  {
    name: "a nest is read on into the attributes behind it",
    file: "src/netlink/reader.ts",
    find: "new Attributes(this.memory, at, at + this.sizeAt(at))",
    replace: "new Attributes(this.memory, at, this.memory.bytes.length)",
    test: "test/unit/netlink/reader.test.ts",
    promise: "a nest ends where its attribute ends, whatever stands behind",
  },
  {
    name: "a text is read on to a NUL behind its attribute",
    file: "src/netlink/reader.ts",
    find: "nul < 0 || nul > end ? end : nul",
    replace: "nul < 0 ? end : nul",
    test: "test/unit/netlink/reader.test.ts",
    promise: "a text ends with its attribute where it has no NUL, although one stands behind",
  },
  {
    name: "attributes of a buffer are read from the word before its begin",
    file: "src/netlink/reader.ts",
    find: "((bytes.byteOffset | offset) & 3) !== 0",
    replace: "(bytes.byteOffset & 3) !== 0",
    test: "test/unit/netlink/reader.test.ts",
    promise: "attributes are read where a message begins in the middle of a word",
  },
];
