// Small changes of src/look.
import type { Mutation } from "./mutation.ts";

export const LOOK: readonly Mutation[] = [
  {
    name: "the gateway's address on another interface is in the way with the same length alone",
    file: "src/look/subnet-owner.ts",
    find: "if (sameAddress(prefix.address, gateway.address)) return true;",
    replace: "",
    test: "test/plugin/subnet-owner.test.ts",
    promise: "another interface has the gateway's address, wider",
  },
  {
    name: "a wider subnet on another interface is refused",
    file: "src/look/subnet-owner.ts",
    find: "onLink.length >= gateway.length && prefixContains",
    replace: "prefixContains",
    test: "test/plugin/subnet-owner.test.ts",
    promise:
      "one line in the log at the first pod and none later: another interface has a wider subnet with an address of this one",
  },
  {
    name: "an interface that is down is in the way",
    file: "src/look/subnet-owner.ts",
    find: "isInTheWay: up && isInTheWay(address, gateway)",
    replace: "isInTheWay: isInTheWay(address, gateway)",
    test: "test/plugin/subnet-owner.test.ts",
    promise: "another interface has the same subnet and is down",
  },
  {
    name: "a pod has the MTU of its network's pods, although a port of another program takes less",
    file: "src/look/bridge.ts",
    find: "if (key === undefined) limit = Math.min(limit, mtu);",
    replace: "if (key === undefined) continue;",
    test: "test/plugin/mtu.test.ts",
    promise: "a bridge that fell to the smallest of its pods",
  },
  {
    name: "a listener on all IPv6 addresses that takes IPv4 too is overlooked",
    file: "src/plan/listener.ts",
    find: 'if (address.family !== (target.includes(":") ? 6 : 4)) return isForBoth;',
    replace: 'if (address.family !== (target.includes(":") ? 6 : 4)) return false;',
    test: "test/plugin/host-port-claim.test.ts",
    promise: "is refused, and allowListening takes it all the same",
  },
  {
    name: "an empty list of allowed sysctls allows all of them",
    file: "src/look/allow-list.ts",
    find: "if (lines === undefined) return;",
    replace: "if (lines === undefined || lines.length === 0) return;",
    test: "test/plugin/tuning.test.ts",
    promise: "a list of what is allowed holds",
  },
  {
    name: "the MTU of the way out is the link's, whatever its route says",
    file: "src/net/way-out.ts",
    find: "return route.mtu ?? getLink(",
    replace: "return getLink(",
    test: "test/kernel/bridge-step.test.ts",
    promise: "a new bridge's MTU is the route's own, where it has one",
  },
  {
    name: "a bridge gets the largest MTU of the two ways out instead of the smallest",
    file: "src/look/bridge.ts",
    find: "Math.min(LARGEST_MTU, ...found)",
    replace: "Math.min(LARGEST_MTU, Math.max(...found))",
    test: "test/kernel/bridge-step.test.ts",
    promise: "a new bridge's MTU is the smaller one of both families",
  },
];
