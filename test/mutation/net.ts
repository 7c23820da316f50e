// Small changes of src/net.
import type { Mutation } from "./mutation.ts";

export const NET: readonly Mutation[] = [
  {
    name: "listeners on IPv6 are not looked for",
    file: "src/net/listener.ts",
    find: "for (const family of [4, 6] as const) {",
    replace: "for (const family of [4] as const) {",
    test: "test/plugin/host-port-claim.test.ts",
    promise: "is refused, and allowListening takes it all the same",
  },
  {
    name: "a UDP socket that waits is not found",
    file: "src/net/listener.ts",
    find: "protocol === UDP ? TCP_CLOSE : TCP_LISTEN",
    replace: "protocol === UDP ? TCP_LISTEN : TCP_LISTEN",
    test: "test/plugin/host-port-claim.test.ts",
    promise: "is refused, and allowListening takes it all the same",
  },
  {
    name: "a route by several links counts for each of them",
    file: "src/net/route-list.ts",
    find: "routes.filter(({ index }) => index === filter.index)",
    replace: "routes",
    test: "test/kernel/route.test.ts",
    promise: "of a route by several links a list for one of them holds its own way alone",
  },
  {
    name: "rates above 34 Gbit/s are cut to 32 bits",
    file: "src/net/traffic-control.ts",
    find: "u32Bytes(Math.floor(value / 2 ** 32))",
    replace: "u32Bytes(0)",
    test: "test/kernel/traffic-control.test.ts",
    promise: "is the one that was asked for",
  },
  {
    name: "an address of a /31 gets a broadcast address, which is the other end's",
    file: "src/net/address.ts",
    find: "address.family === 4 && length < 31",
    replace: "address.family === 4 && length < 32",
    test: "test/kernel/address.test.ts",
    promise: "has no broadcast address",
  },
  {
    name: "an ADD fails where /proc/sys is read-only, although all is set",
    file: "src/net/sysctl.ts",
    find: '"ENOENT", "ENOTDIR", "EROFS", "EACCES", "EPERM"',
    replace: '"ENOENT", "ENOTDIR", "EACCES", "EPERM"',
    test: "test/plugin/bare-host.test.ts",
    promise: "with all of /proc/sys read-only",
  },
  {
    name: "a frame on another port moves the entry for a pod's MAC",
    file: "src/net/bridge-entry.ts",
    find: "flags: rt.NTF_MASTER | rt.NTF_STICKY",
    replace: "flags: rt.NTF_MASTER",
    test: "test/plugin/bridge-learning.test.ts",
    promise: "nor does a pod without macspoofchk on the same bridge: the entry stays where it is",
  },
  {
    name: "answers of another family count",
    file: "src/net/address.ts",
    find: "replies.filter(({ payload }) => payload[0] === familyNumber(family))",
    replace: "replies.filter(({ payload }) => payload[0] !== undefined && family > 0)",
    test: "test/unit/net/family.test.ts",
    promise: "a list of IPv6 has nothing of IPv4",
  },
];
