// Small changes of what pods without a bridge have of their own (attach: ptp), wherever it stands.
import type { Mutation } from "./mutation.ts";

const LIFE = "test/plugin/ptp-life.test.ts";
const FEATURE = "test/plugin/ptp-feature.test.ts";

export const PTP: readonly Mutation[] = [
  {
    name: "GC looks for the pods of a network without a bridge on the default bridge",
    file: "src/cni/attach.ts",
    find: "!WAYS.some((way) => way === attach)",
    replace: "true",
    test: "test/plugin/gc.test.ts",
    promise: "a pair of its own: GC needs no record",
  },
  {
    name: "the gateway of a second IPv4 subnet hears the address of the first",
    file: "src/plan/route.ts",
    find: "source: own.family === 4 ? own : undefined",
    replace: "source: own.family === 5 ? own : undefined",
    test: "test/differential/differential.test.ts",
    promise: "two IPv4 subnets, and each gateway",
  },
  {
    name: "a route by another address of a subnet that is not on the link is refused",
    file: "src/plan/route.ts",
    find: "byGateway ? gatewaysOf(addresses) : addresses.map",
    replace: "addresses.map",
    test: "test/differential/differential.test.ts",
    promise: "a route by another address of the subnet",
  },
  {
    name: "a pod without IPv4 has its end on the node forward IPv4",
    file: "src/host/kind/host-route/request.ts",
    find: "addresses.some(({ family }) => family === 4) ? { forwarding: true } : {}",
    replace: "true ? { forwarding: true } : {}",
    test: "test/differential/differential.test.ts",
    promise: "two IPv6 subnets, and each gateway",
  },
  {
    name: "a whole address without a gateway gets the next address, which may be another pod's",
    file: "src/plan/gateway.ts",
    find: "if (!isOnBridge && nameless !== undefined) throw",
    replace: "if (isOnBridge && nameless !== undefined && false) throw",
    test: FEATURE,
    promise: "a whole address without a gateway is refused",
  },
  {
    name: "CHECK does not look for the node's routes to the pod",
    file: "src/host/kind/host-route/host-route.ts",
    find: "addresses.find((address) => !hasRoute(address, link.index, node))",
    replace: "addresses.find(() => false)",
    test: LIFE,
    promise: "CHECK misses the node's route",
  },
  {
    name: "CHECK does not look for the gateway addresses of the host's end",
    file: "src/host/kind/host-route/host-route.ts",
    find: "gateways.find((gateway) => !isHeld(gateway))",
    replace: "gateways.find(() => false)",
    test: LIFE,
    promise: "CHECK misses the gateway's address",
  },
  {
    name: "CHECK does not look for the link-local address of the host's end",
    file: "src/host/kind/host-route/host-route.ts",
    find: "linkLocal !== undefined && !isHeld(linkLocal)",
    replace: "false && linkLocal !== undefined && !isHeld(linkLocal)",
    test: LIFE,
    promise: "CHECK misses the link-local address of the host's end",
  },
  {
    name: "restore does not notice that a host's end has lost its link-local address",
    file: "src/host/kind/host-route/lost.ts",
    find: "linkLocal === undefined ? gateways : [linkLocal, ...gateways]",
    replace: "gateways",
    test: LIFE,
    promise: "CHECK misses the link-local address of the host's end",
  },
  {
    name: "the node asks a pod on a pair for every link-local address",
    file: "src/host/kind/host-route/request.ts",
    find: "addAddressMessage(index, whole(own), {",
    replace: "addAddressMessage(index, { address: own, length: 64 }, {",
    test: "test/plugin/ptp-source-check.test.ts",
    promise: "the node looks for no link-local address on the pair but the pod's own",
  },
  {
    name: "restore does not notice that a host's end has lost its routes",
    file: "src/host/kind/host-route/lost.ts",
    find: "if (lost > 0) byOwner.set",
    replace: "if (lost > 99) byOwner.set",
    test: LIFE,
    promise: "CHECK misses a host's end that is up, and restore puts it back",
  },
  {
    name: "STATUS leaves 127.0.0.1 open to pods without a bridge when the rules are flushed",
    file: "src/host/kind/host-port/localhost.ts",
    find: "if (keyOfAlias(alias)?.network === network) closeSoonIfThere(name, node);",
    replace: "if (keyOfAlias(alias)?.network === network) continue;",
    test: "test/plugin/ptp-port.test.ts",
    promise: "is told by CHECK and closed by STATUS",
  },
];
