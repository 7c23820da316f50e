// Small changes of src/plan.
import type { Mutation } from "./mutation.ts";

export const PLAN: readonly Mutation[] = [
  {
    name: "CHECK looks for the masquerading that the configuration names now",
    file: "src/plan/check.ts",
    find: "(masquerade ?? described.masquerade)",
    replace: "described.masquerade",
    test: "test/unit/plan/check.test.ts",
    promise: "an attachment keeps the backend that it was made with",
  },
  {
    name: "CHECK takes an attachment for another program's whose host's end no result names",
    file: "src/plan/check.ts",
    find: "const isOurs = record !== undefined || interfaces",
    replace: "const isOurs = interfaces",
    test: "test/unit/plan/check.test.ts",
    promise: "an attachment with a record is Pontoon's",
  },
  {
    name: "CHECK of a record of version 1 wants the isolation of today's policy",
    file: "src/plan/check.ts",
    find: "netconf: { ...netconf, ingressPolicy, hostPorts",
    replace: "netconf: { ...netconf, hostPorts",
    test: "test/unit/plan/check.test.ts",
    promise: "an attachment keeps the policy and the limits that it was made with",
  },
  {
    name: "CHECK wants the gateway that nobody named of a route",
    file: "src/plan/route.ts",
    find: "isGatewayAssumed: route.gw === undefined",
    replace: "isGatewayAssumed: false",
    test: "test/unit/plan/check.test.ts",
    promise: "a route that names no gateway is compared by its destination alone",
  },
  {
    name: "a bridge says that MACs follow although host-local gave out addresses beside us",
    file: "src/attachment/mac.ts",
    find: "return before === undefined || (before && !givenByOthers);",
    replace: "return before === undefined || before;",
    test: "test/unit/attachment/bridge-macs.test.ts",
    promise: "whether all MACs follow",
  },
  {
    name: "the table of the interface has no route to its own subnet",
    file: "src/plan/route.ts",
    find: "    ...addresses.flatMap(({ address }) => connected(address)),\n",
    replace: "",
    test: "test/plugin/source-routing.test.ts",
    promise: "packets from either attachment leave by it",
  },
  {
    name: "the least burst has no room for a VLAN's tag",
    file: "src/plan/bandwidth.ts",
    find: "const FRAME_HEADER = 18;",
    replace: "const FRAME_HEADER = 14;",
    test: "test/unit/plan/bandwidth.test.ts",
    promise: "a given burst is taken up to a second of the rate, and is never less than a packet",
  },
  {
    name: "burst of more than a second of the rate taken as it is",
    file: "src/plan/bandwidth.ts",
    find: "  if (given > rate) burst = usual;\n  else if (given > 0",
    replace: "  if (given > 0",
    test: "test/unit/plan/bandwidth.test.ts",
    promise: "a given burst is taken up to a second of the rate, and is never less than a packet",
  },
];
