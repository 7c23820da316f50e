// Small changes of src/cluster.
import type { Mutation } from "./mutation.ts";

const NODE = "test/plugin/node.test.ts";
const TUNNEL = "test/plugin/node-tunnel.test.ts";
const HOST = "test/plugin/node-host.test.ts";
const WISH = "test/unit/cluster/wish.test.ts";

export const CLUSTER: readonly Mutation[] = [
  {
    name: "a node behind a router gets a route",
    file: "src/net/route.ts",
    find: "return hasGateway ? undefined : attributes.u32(rt.RTA_OIF);",
    replace: "return attributes.u32(rt.RTA_OIF);",
    test: NODE,
    promise: "a node behind a router gets no route",
  },
  {
    name: "a route may lead away what is on the node's own segment",
    file: "src/cluster/route.ts",
    find: "if (hasRoute && (",
    replace: "if (!hasRoute && (",
    test: NODE,
    promise: "nor does a subnet that would cut this node off",
  },
  {
    name: "a stale route stays",
    file: "src/cluster/route.ts",
    find: "else if (route.index !== kept) stale.push(route);",
    replace: "else if (route.index === kept) stale.push(route);",
    test: NODE,
    promise: "what went stale while nobody looked goes",
  },
  {
    name: "a route takes the place of another program's",
    file: "src/cluster/route.ts",
    find: "[{ index, dst: route.subnet, gateway: route.via, protocol: ROUTE_PROTOCOL, isOnly: true }]",
    replace: "[{ index, dst: route.subnet, gateway: route.via, protocol: ROUTE_PROTOCOL, isOnly: false }]",
    test: HOST,
    promise: "a route of another program in the place of ours is left alone",
  },
  {
    name: "two applies work at once",
    file: "src/cluster/apply.ts",
    find: '  if (lockInPatience(home, "the network namespace", PATIENCE_MS)) return;',
    replace: "  if (home !== undefined || lockInPatience(home, '', PATIENCE_MS)) return;",
    test: NODE,
    promise: "of two applies at once each is whole",
  },
  {
    name: "a device of another program is taken",
    file: "src/cluster/device.ts",
    find: 'return kind === "vxlan" && alias === TUNNEL_ALIAS;',
    replace: 'return kind !== "" || alias === TUNNEL_ALIAS;',
    test: TUNNEL,
    promise: "a tunnel that cannot be is refused by name",
  },
  {
    name: "a device that learns is left so",
    file: "src/cluster/device.ts",
    find: "found !== undefined && !found.learns && sameSettings",
    replace: "found !== undefined && sameSettings",
    test: TUNNEL,
    promise: "learns nothing",
  },
  {
    name: "entries of peers that went stay",
    file: "src/cluster/peer.ts",
    find: "found.filter((entry) => !wanted.has(keyOf(entry)))",
    replace: "found.filter((entry) => wanted.get(keyOf(entry)) === entry)",
    test: TUNNEL,
    promise: "one that goes leaves nothing",
  },
  {
    name: "what goes to other pods is masqueraded",
    file: "src/cluster/masquerade.ts",
    find: "    ...routes.map(({ subnet }) => subnet),\n",
    replace: "",
    test: NODE,
    promise: "pods of three nodes see each other's own addresses",
  },
  {
    name: "a conflist of others is replaced",
    file: "src/cluster/conflist.ts",
    find: "hasAnything(path) : !known.includes(sha256(found))",
    replace: "hasAnything(path) : known.includes(sha256(found))",
    test: HOST,
    promise: "the configuration is replaced and removed only while it is as Pontoon wrote it",
  },
  {
    name: "the mark of a conflist comes behind it",
    file: "src/cluster/conflist.ts",
    find: "[...new Set([...before, hash])]",
    replace: "[...new Set([...before])]",
    test: HOST,
    promise: "is completed by the next",
  },
  {
    name: "a dry run does netlink requests",
    file: "src/cluster/report.ts",
    find: "this.isDryRun ? [] : socket",
    replace: "!this.isDryRun && socket === undefined ? [] : socket",
    test: HOST,
    promise: "a dry run tells all that would change, and changes nothing",
  },
  {
    name: "subnets may overlap",
    file: "src/cluster/overlap.ts",
    find: "before !== undefined && before.last >= first",
    replace: "before !== undefined && before.last > first + (1n << 128n)",
    test: WISH,
    promise: "subnets of pods overlap neither each other nor addresses of nodes",
  },
  {
    name: "an unknown key is passed over",
    file: "src/cluster/reader.ts",
    find: "if (!Object.hasOwn(keys, key)) tellUnknown(key, keys, at);",
    replace: "if (key in keys && !Object.hasOwn(keys, key)) tellUnknown(key, keys, at);",
    test: WISH,
    promise: "unknown key",
  },
];
