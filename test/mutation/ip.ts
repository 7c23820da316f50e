// Small changes of src/ip.
import type { Mutation } from "./mutation.ts";

export const IP: readonly Mutation[] = [
  {
    name: "a range that lies around another one does not overlap with it",
    file: "src/ip/range.ts",
    find: "rangeContains(a, b.first) || rangeContains(b, a.first)",
    replace: "rangeContains(a, b.first)",
    test: "test/unit/ip/range.test.ts",
    promise: "ranges that share one address overlap, neighbours do not",
  },
  {
    name: "a single group of zeros is left out of an IPv6 address, so its lease has another name than host-local's",
    file: "src/ip/ipv6.ts",
    find: "if (length < 2) return",
    replace: "if (length < 1) return",
    test: "test/unit/ip/address.test.ts",
    promise: "is read as Go reads it",
  },
];
