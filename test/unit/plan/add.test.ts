import { expect, test } from "vitest";
import { formatAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import { aliasOf, networkSubnets, planAdd } from "../../../src/plan/add.ts";
import type { PodRoute } from "../../../src/plan/step.ts";
import { address, prefix } from "../../support/ip.ts";
import { addInput, KEY, netconf, podAddress, route, stepOf, V4, V6 } from "./input.ts";

const kinds = (config: ReturnType<typeof netconf>, addresses: string[]): string[] =>
  planAdd(addInput(config, addresses)).steps.map(({ kind }) => kind);

test("the steps stand in the order that they are done in", () => {
  expect(kinds(netconf({ ipMasq: true }), [V4, V6])).toEqual([
    "bridge",
    "gateway",
    "forwarding",
    "veth",
    "pod",
    "masquerade",
    "announce",
  ]);
});

test.each([
  [
    "the MAC spoof check comes before the wire that frames could come from",
    netconf({ macspoofchk: true, ipMasq: true }),
    [V4],
    ["bridge", "gateway", "forwarding", "spoofCheck", "veth", "pod", "masquerade", "announce"],
  ],
  [
    "no masquerade without ipMasq",
    netconf(),
    [V4],
    ["bridge", "gateway", "forwarding", "veth", "pod", "announce"],
  ],
  [
    "no gateway and no forwarding without isGateway",
    netconf({ isGateway: false, ipMasq: true }),
    [V4],
    ["bridge", "veth", "pod", "masquerade", "announce"],
  ],
  [
    "layer 2 only: the bridge and the wire",
    netconf({ ipam: undefined, ipMasq: true }),
    [],
    ["bridge", "veth", "pod", "announce"],
  ],
])("%s", (_, config, addresses, wanted) => {
  expect(kinds(config, addresses)).toEqual(wanted);
});

test("the spoof check lets the pod's own MAC through, at the host's end that the pod gets", () => {
  const { steps } = planAdd(addInput(netconf({ macspoofchk: true }), [V4]));
  const { host, pod } = stepOf(steps, "veth");
  expect(stepOf(steps, "spoofCheck")).toMatchObject({
    network: "net",
    owner: "1".repeat(32),
    label: "net c1 eth0",
    hostInterface: host.name,
    mac: pod.mac,
  });
});

test("a plan is made of its input alone, and changes nothing of it", () => {
  const input = addInput(
    netconf({ ipMasq: true, isDefaultGateway: true, subnets: ["10.1.0.0/24"], routes: [route("0.0.0.0/0")] }),
    [V4, V6],
  );
  const before = structuredClone(input);
  expect(planAdd(input)).toEqual(planAdd(structuredClone(before)));
  expect(input).toEqual(before);
});

/** Routes as `destination via gateway`, in the result and in the pod. */
function routesOf(
  config: ReturnType<typeof netconf>,
  addresses: string[],
): { result: string[]; pod: string[] } {
  const { steps, result } = planAdd(addInput(config, addresses));
  const said = (dst: string, gateway: string | undefined) =>
    gateway === undefined ? dst : `${dst} via ${gateway}`;
  return {
    result: result.routes.map(({ dst, gw }) => said(formatPrefix(dst), gw && formatAddress(gw))),
    pod: stepOf(steps, "pod").routes.map(({ dst, gateway }) =>
      said(formatPrefix(dst), gateway && formatAddress(gateway)),
    ),
  };
}

test.each([
  { what: "no routes are asked for", config: netconf(), result: [], pod: [] },
  {
    what: "a default route without isDefaultGateway goes by the gateway; the result says it as it was configured",
    config: netconf({ routes: [route("0.0.0.0/0")] }),
    result: ["0.0.0.0/0"],
    pod: ["0.0.0.0/0 via 10.1.0.1"],
  },
  {
    what: "isDefaultGateway adds a default route of each family, and the result says so",
    config: netconf({ isDefaultGateway: true }),
    result: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
    pod: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
  },
  {
    what: "isDefaultGateway with a configured default route without gateway: one route, with the gateway",
    config: netconf({ isDefaultGateway: true, routes: [route("0.0.0.0/0"), route("::/0")] }),
    result: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
    pod: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
  },
  {
    what: "isDefaultGateway with a configured default route by another gateway: that one stays",
    config: netconf({ isDefaultGateway: true, routes: [route("0.0.0.0/0 10.1.0.7")] }),
    result: ["0.0.0.0/0 via 10.1.0.7", "::/0 via fd01::1"],
    pod: ["0.0.0.0/0 via 10.1.0.7", "::/0 via fd01::1"],
  },
  {
    what: "a default route of another table is not the one that isDefaultGateway means",
    config: netconf({ isDefaultGateway: true, routes: [route("0.0.0.0/0", { table: 100 })] }),
    result: ["0.0.0.0/0", "0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
    pod: ["0.0.0.0/0 via 10.1.0.1", "0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
  },
  {
    what: "table 0 is the main one, as for the kernel",
    config: netconf({ isDefaultGateway: true, routes: [route("0.0.0.0/0", { table: 0 })] }),
    result: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
    pod: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
  },
  {
    what: "a default route that names the main table is",
    config: netconf({ isDefaultGateway: true, routes: [route("0.0.0.0/0", { table: 254 })] }),
    result: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
    pod: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
  },
  {
    what: "a route on the link itself (scope 253 or narrower) gets no gateway",
    config: netconf({ routes: [route("10.9.0.0/16", { scope: 253 }), route("10.8.0.0/16", { scope: 0 })] }),
    result: ["10.9.0.0/16", "10.8.0.0/16"],
    pod: ["10.9.0.0/16", "10.8.0.0/16 via 10.1.0.1"],
  },
])("$what", ({ config, result, pod }) => {
  expect(routesOf(config, [V4, V6])).toEqual({ result, pod });
});

test("with several addresses of one family the first one's gateway is the default, once", () => {
  const found = routesOf(netconf({ isDefaultGateway: true }), [
    V4,
    "10.2.0.2/24 10.2.0.1",
    "fd02::2/64 fd02::1",
    V6,
  ]);
  expect(found.pod).toEqual(["0.0.0.0/0 via 10.1.0.1", "::/0 via fd02::1"]);
});

test("a route of a family that the pod has no address of goes without a gateway", () => {
  expect(routesOf(netconf({ routes: [route("fd09::/32")] }), [V4]).pod).toEqual(["fd09::/32"]);
});

test("an address without a gateway has none on the bridge, and its routes are on the link or go by the next address's", () => {
  const { steps, result } = planAdd(
    addInput(netconf({ isDefaultGateway: true }), ["10.1.0.2/24", "10.2.0.2/24 10.2.0.1", "fd01::2/64"]),
  );
  expect(stepOf(steps, "gateway").addresses.map(formatPrefix)).toEqual(["10.2.0.1/24"]);
  expect(stepOf(steps, "forwarding").families).toEqual([4]);
  expect(result.ips.map(({ gateway }) => gateway && formatAddress(gateway))).toEqual([
    undefined,
    "10.2.0.1",
    undefined,
  ]);
  expect(result.routes).toEqual([route("0.0.0.0/0 10.2.0.1")]);
  expect(
    routesOf(netconf({ routes: [route("10.9.0.0/16"), route("fd09::/32")] }), [
      "10.1.0.2/24",
      "10.2.0.2/24 10.2.0.1",
      "fd01::2/64",
    ]).pod,
  ).toEqual(["10.9.0.0/16 via 10.2.0.1", "fd09::/32"]);
});

/** The one route that a pod gets for a configured one. */
function podRouteOf(text: string, more: Parameters<typeof route>[1], addresses = [V4, V6]): PodRoute {
  const [found] = stepOf(
    planAdd(addInput(netconf({ routes: [route(text, more)] }), addresses)).steps,
    "pod",
  ).routes;
  if (found === undefined) throw new Error("The pod gets no route.");
  return found;
}

test("a gateway inside of any of the pod's subnets is reached as usual, one outside only because it is said to be on the link", () => {
  expect(podRouteOf("10.9.0.0/16 10.1.0.7", {}).onLink).toBe(false);
  expect(podRouteOf("10.9.0.0/16 10.2.0.7", {}, [V4, "10.2.0.2/24 10.2.0.1"]).onLink).toBe(false);
  expect(podRouteOf("10.9.0.0/16 192.168.1.1", {}).onLink).toBe(true);
  expect(podRouteOf("fd09::/32 fe80::1", {}).onLink).toBe(true);
  expect(podRouteOf("10.9.0.0/16", {}, ["10.1.0.2/32 169.254.1.1"])).toMatchObject({
    gateway: address("169.254.1.1"),
    onLink: true,
  });
  expect(podRouteOf("10.9.0.0/16", { scope: 253 }).onLink).toBe(false);
});

test("what a route has goes to the kernel, and a 0 means that it is not set, the scope excepted", () => {
  expect(
    podRouteOf("10.9.0.0/16", { mtu: 1300, advmss: 1200, priority: 7, table: 1000, scope: 0 }),
  ).toMatchObject({ mtu: 1300, advmss: 1200, priority: 7, table: 1000, scope: 0 });
  expect(podRouteOf("10.9.0.0/16", { mtu: 0, advmss: 0, priority: 0, table: 0 })).toMatchObject({
    mtu: undefined,
    advmss: undefined,
    priority: undefined,
    table: undefined,
    scope: undefined,
  });
});

test("the gateway addresses of the bridge have the length of their subnets, and forwarding is asked for each family once", () => {
  const { steps } = planAdd(addInput(netconf({ forceAddress: true }), [V4, "10.2.0.2/16 10.2.0.1", V6]));
  const gateway = stepOf(steps, "gateway");
  expect(gateway.addresses.map(formatPrefix)).toEqual(["10.1.0.1/24", "10.2.0.1/16", "fd01::1/64"]);
  expect(gateway.force).toBe(true);
  expect(stepOf(steps, "forwarding").families).toEqual([4, 6]);
});

test("masquerading leaves out every subnet of the network once, those of ranges and those of addresses", () => {
  const config = netconf({
    ipMasq: true,
    subnets: ["10.1.0.0/24", "10.2.0.0/24", "10.1.0.0/24", "fd01::/64"],
  });
  const step = stepOf(planAdd(addInput(config, [V4, V6])).steps, "masquerade");
  expect(step.subnets.map(formatPrefix).sort()).toEqual(["10.1.0.0/24", "10.2.0.0/24", "fd01::/64"]);
  expect(step.addresses.map(formatAddress)).toEqual(["10.1.0.2", "fd01::2"]);
  expect(step).toMatchObject({ network: "net", label: "net c1 eth0", bridge: "br0", owner: "1".repeat(32) });
  expect(networkSubnets(netconf({ ipam: undefined }), [podAddress(V4)]).map(formatPrefix)).toEqual([
    "10.1.0.0/24",
  ]);
});

test("bridge and veth get what was decided for them", () => {
  const input = addInput(netconf({ promiscMode: true }), [V4], {
    bridge: { mac: "0a:00:00:00:00:0b", mtu: 9000, found: undefined },
    mtu: 1400,
  });
  const { steps, result } = planAdd(input);
  expect(stepOf(steps, "bridge")).toEqual({
    kind: "bridge",
    name: "br0",
    mac: "0a:00:00:00:00:0b",
    mtu: 9000,
    promiscuous: true,
    vlanFiltering: false,
    macsFollow: false,
  });
  expect(stepOf(steps, "veth")).toMatchObject({
    bridge: "br0",
    host: { name: "veth1" },
    pod: { name: "eth0", mac: "0a:00:00:00:00:03" },
    mtu: 1400,
    hairpin: false,
  });
  expect(result.interfaces.map(({ mtu }) => mtu)).toEqual([9000, 1400, 1400]);
  expect(stepOf(planAdd(addInput(netconf({ hairpinMode: true }), [V4])).steps, "veth").hairpin).toBe(true);
});

test("a network in a VLAN: the bridge filters, the gateway is an interface of its own, the port is in the VLAN before the pod's end is up", () => {
  const config = netconf({
    vlan: 100,
    hasVlans: true,
    gatewayInterface: "br0.100",
    ipMasq: true,
    subnets: ["10.1.0.0/24"],
  });
  const { steps } = planAdd(addInput(config, [V4]));
  expect(steps.map(({ kind }) => kind)).toEqual([
    "bridge",
    "vlanGateway",
    "gateway",
    "forwarding",
    "veth",
    "portVlan",
    "pod",
    "masquerade",
    "announce",
  ]);
  expect(stepOf(steps, "bridge").vlanFiltering).toBe(true);
  expect(stepOf(steps, "vlanGateway")).toEqual({
    kind: "vlanGateway",
    bridge: "br0",
    name: "br0.100",
    vlan: 100,
    keepDefaultVlan: false,
  });
  expect([
    stepOf(steps, "gateway").bridge,
    stepOf(steps, "masquerade").bridge,
    stepOf(steps, "veth").bridge,
  ]).toEqual(["br0.100", "br0.100", "br0"]);
  expect(stepOf(steps, "portVlan")).toEqual({
    kind: "portVlan",
    hostInterface: "veth1",
    native: 100,
    tagged: [],
    keepOthers: false,
  });
});

test("a trunk has VLAN 1 for packets without a tag, unless vlan says another, and no gateway of its own", () => {
  const trunk = { vlanTrunk: [{ first: 200, last: 299 }], hasVlans: true };
  const alone = planAdd(addInput(netconf({ ...trunk, preserveDefaultVlan: true }), [V4])).steps;
  expect(alone.map(({ kind }) => kind)).not.toContain("vlanGateway");
  expect(stepOf(alone, "gateway").bridge).toBe("br0");
  expect(stepOf(alone, "portVlan")).toMatchObject({
    native: 1,
    tagged: [{ first: 200, last: 299 }],
    keepOthers: true,
  });
  expect(stepOf(planAdd(addInput(netconf({ ...trunk, vlan: 7 }), [])).steps, "portVlan")).toMatchObject({
    native: 7,
    tagged: [{ first: 200, last: 299 }],
  });
});

test("an interface that stays down gets nothing in the pod, and nothing is waited for or announced", () => {
  const { steps } = planAdd(
    addInput(netconf({ ipam: undefined, disableContainerInterface: true, hasVlans: true, vlan: 5 }), []),
  );
  expect(steps.map(({ kind }) => kind)).toEqual(["bridge", "veth", "portVlan"]);
  expect(stepOf(steps, "veth").raised).toBe(false);
});

test("the result names bridge, host end and pod end, in this order, and gives all addresses to the pod's end", () => {
  const { result } = planAdd(addInput(netconf(), [V4, V6]));
  expect(result.interfaces.map(({ name, sandbox }) => [name, sandbox])).toEqual([
    ["br0", undefined],
    ["veth1", undefined],
    ["eth0", "/run/netns/c1"],
  ]);
  expect(result.ips).toEqual([
    { interface: 2, address: prefix("10.1.0.2/24"), gateway: address("10.1.0.1") },
    { interface: 2, address: prefix("fd01::2/64"), gateway: address("fd01::1") },
  ]);
});

test("dns is the configuration's own if it says anything, else what came with the addresses", () => {
  const ipamDns = { nameservers: ["10.0.0.9"] };
  const dnsOf = (dns: Parameters<typeof netconf>[0]) =>
    planAdd(addInput(netconf(dns), [V4], { ipamDns })).result.dns;
  expect(dnsOf({ dns: { nameservers: ["10.0.0.1"] } })).toEqual({ nameservers: ["10.0.0.1"] });
  // As in the reference: a list that is there and empty says that there are none.
  expect(dnsOf({ dns: { nameservers: [] } })).toEqual({ nameservers: [] });
  expect(dnsOf({ dns: { domain: "" } })).toEqual(ipamDns);
  expect(dnsOf({ dns: undefined })).toEqual(ipamDns);
});

test.each([
  ["network, container and interface", undefined, "pontoon net c1 eth0"],
  ["the pod too, where the runtime said it", "default/web-0", "pontoon net c1 default/web-0 eth0"],
  ["nothing that a terminal would act on", "a\u001b[2J\nb\u00e4", "pontoon net c1 a?[2J?b? eth0"],
])("the alias says %s", (_, pod, alias) => {
  expect(aliasOf(KEY, pod)).toBe(alias);
});

test("a long pod name is cut, so that the interface, which tells whose the link is, stands at the end all the same", () => {
  const alias = aliasOf(KEY, `default/${"p".repeat(250)}`);
  expect(alias).toHaveLength(255);
  expect(alias).toMatch(/^pontoon net c1 default\/p+ eth0$/);
  expect(aliasOf({ ...KEY, containerId: "c".repeat(236) }, "web-0")).toBe(
    `pontoon net ${"c".repeat(236)} w eth0`,
  );
});

test("the longest alias is as long as the kernel takes it", () => {
  const alias = aliasOf({ ...KEY, containerId: "c".repeat(300) }, "p".repeat(300));
  expect(alias).toHaveLength(255);
  expect(
    stepOf(planAdd(addInput(netconf(), [V4], { pod: "p".repeat(300) })).steps, "veth").host.alias,
  ).toHaveLength(255);
});
