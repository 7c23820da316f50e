// Small changes of src/netlink.
import type { Mutation } from "./mutation.ts";

export const NETLINK: readonly Mutation[] = [
  {
    name: "requests go in sends whose refusals do not fit into the socket",
    file: "src/netlink/socket.ts",
    find: "const MOST_AT_ONCE = 200;",
    replace: "const MOST_AT_ONCE = 20_000;",
    test: "test/kernel/socket.test.ts",
    promise: "a thousand requests that are all refused are all answered",
  },
  {
    name: "of several refusals of a request the last one counts",
    file: "src/netlink/outcome.ts",
    find: "this.refusal ??= reply;",
    replace: "this.refusal = reply;",
    test: "test/unit/netlink/socket.test.ts",
    promise: "of two refusals of one request the first one tells why",
  },
];
