// Small changes of src/cni.
import type { Mutation } from "./mutation.ts";

export const CNI: readonly Mutation[] = [
  {
    name: "GC reads the list of living attachments under its new key alone",
    file: "src/cni/teardown.ts",
    find: "return LISTS.flatMap((key) => {",
    replace: "return LISTS.slice(0, 1).flatMap((key) => {",
    test: "test/unit/cni/teardown.test.ts",
    promise: "the list under its old name",
  },
  {
    name: "a host port of all addresses and the same one of a single address pass as two",
    file: "src/cni/host-port-config.ts",
    find: "(a.value === 0n || b.value === 0n || a.value === b.value)",
    replace: "a.value === b.value",
    test: "test/unit/cni/host-port-config.test.ts",
    promise: "one port is not asked for twice",
  },
  {
    name: "a trunk range inside of another one cuts that one short",
    file: "src/cni/vlan.ts",
    find: "before.last = Math.max(before.last, last)",
    replace: "before.last = last",
    test: "test/unit/cni/vlan.test.ts",
    promise: "a trunk is a list of ranges that lie apart, in order",
  },
  {
    name: "a star in an interface name of iptables stands for any end",
    file: "src/cni/condition.ts",
    find: 'value.replaceAll("*", "?").replace(/\\+$/, "*")',
    replace: 'value.replace(/\\+$/, "*")',
    test: "test/unit/cni/condition.test.ts",
    promise: "is refused with its place, also while no port is asked for",
  },
  {
    name: "limits of the runtime are lost beside a foreign IPAM plugin",
    file: "src/cni/runtime-config.ts",
    find: ' bandwidth: runtimeConfig["bandwidth"],',
    replace: "",
    test: "test/unit/cni/bandwidth.test.ts",
    promise: "a foreign IPAM plugin does not hide the keys",
  },
  {
    name: "what a first rollback left is forgotten by the second one",
    file: "src/cni/error.ts",
    find: "[...(this.parts.notUndone ?? []), ...notUndone]",
    replace: "notUndone",
    test: "test/unit/cni/error.test.ts",
    promise: "what could not be undone is added up",
  },
  {
    name: "the interface name is counted in characters, not in bytes",
    file: "src/cni/environment.ts",
    find: "if (byteLength(name) > 15)",
    replace: "if (name.length > 15)",
    test: "test/unit/cni/environment.test.ts",
    promise: "has more than 15 bytes",
  },
];
