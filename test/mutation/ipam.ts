// Small changes of src/ipam.
import type { Mutation } from "./mutation.ts";

export const IPAM: readonly Mutation[] = [
  {
    name: "a lease owner is compared by container id alone",
    file: "src/ipam/lease-file.ts",
    find: "holder.containerId === owner.containerId && holder.interfaceName === owner.interfaceName",
    replace: "holder.containerId === owner.containerId",
    test: "test/unit/ipam/release.test.ts",
    promise: "an address that has gone to somebody else stays theirs",
  },
  {
    name: "nothing",
    file: "src/ipam/lease-file.ts",
    find: "holder.containerId === owner.containerId && holder.interfaceName === owner.interfaceName",
    replace: "holder.interfaceName === owner.interfaceName && holder.containerId === owner.containerId",
    test: "test/unit/ipam/release.test.ts",
    promise: "an address that has gone to somebody else stays theirs",
  },
];
